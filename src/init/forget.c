#define _GNU_SOURCE
#include "forget.h"

#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "commit.h"
#include "events.h"
#include "link.h"
#include "slots.h"

void forget(void *at, size_t length)
{
	uintptr_t page = getauxval(AT_PAGESZ);
	uintptr_t first = ((uintptr_t)at + page - 1) & -page, last = ((uintptr_t)at + length) & -page;
	if (first < last)
		madvise((void *)first, last - first, MADV_DONTNEED);
}

void forget_all(void)
{
	link_forget();
	commit_forget();
	events_forget();
	slots_forget();
}
