/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the attacks share: how long they last, and numbers that the processes of an attack count together. */
#ifndef ATTACK_H
#define ATTACK_H

#include "../c/util.h"

#include "../c/others.h"

/* A case of make torture may take that much longer than its attack. */
#define AND_LONGER 240

/* The seconds that a case has: a part of TORTURE_SECONDS, or the quick ones. */
UNUSED static double attack_seconds(double quick)
{
	const char *all = getenv("TORTURE_SECONDS");
	return all && atof(all) > quick ? atof(all) : quick;
}

/* Where tiny is: beside this program. */
UNUSED static const char *tiny_folder(void)
{
	static char folder[sizeof self_path];
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(self_path, '/') - self_path), self_path);
	return folder;
}

/* How many things a case makes: all of them only if there is time. */
UNUSED static int attack_count(int quick, int all)
{
	return getenv("TORTURE_SECONDS") ? all : quick;
}

UNUSED static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	return p;
}

/* No child is left once the library has swept; the watcher is no child. */
UNUSED static void no_child_is_left(void)
{
	int kids[4];
	for (int i = 0; i < 2000 && tap_children(kids, 4) > 0; i++) {
		usleep(5000);
		sweep();
	}
	CHECK_EQ(tap_children(kids, 4), 0);
}

UNUSED static long descriptors_open(void)
{
	long n = 0;
	DIR *d = opendir("/proc/self/fd");
	CHECK(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

#endif
