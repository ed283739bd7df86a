/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Third arguments of several types, for interposer.c to report. */
#include <stdio.h>
#include <sys/ioctl.h>

int main(void)
{
	printf("%d\n", ioctl(7, 0x5a01UL, 0x0123456789abcdefUL));
	printf("%d\n", ioctl(-1, 0xffffffff00005a02UL, ~0UL));
	printf("%d\n", ioctl(0x7fffffff, 0xc0185a03UL, (void *)0x7ffffffff000));
	return 0;
}
