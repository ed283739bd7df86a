/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The program that ends at once, or with an argument waits for its end; linked statically, so that many fit. */
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argv;
	while (argc > 1)
		pause();
	return 0;
}
