// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * For musl alone, where the compiler is made for glibc (Debian's musl-gcc): its libgcc_eh asks this function of
 * glibc 2.35 for the unwind tables. After -1 it asks dl_iterate_phdr(3), which musl has. Weak: another definition goes
 * before this one.
 */
int _dl_find_object(void *address, void *result);

__attribute__((weak, visibility("default"))) int _dl_find_object(void *address, void *result)
{
	(void)address;
	(void)result;
	return -1;
}
