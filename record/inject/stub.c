/*
 * stub.c - the code that runs in the target until the agent is loaded
 *
 * It is position-independent and has no data. A copy of it is written to unused
 * space after an object's code.
 */
#include "stub.h"

#if defined(__x86_64__)

#include <stddef.h>

_Static_assert(offsetof(struct stub_scratch, arguments) == 24 && offsetof(struct stub_scratch, result) == 72 &&
	       offsetof(struct stub_scratch, dlopen) == 80 && offsetof(struct stub_scratch, entry) == 104 &&
	       offsetof(struct stub_scratch, fd) == 112 && offsetof(struct stub_scratch, stage) == 120 &&
	       offsetof(struct stub_scratch, nap) == 128 && offsetof(struct stub_scratch, path) == 144 &&
	       offsetof(struct stub_scratch, symbol) == 256 && offsetof(struct stub_scratch, error) == 512 &&
	       offsetof(struct stub_scratch, request) == 1024, "the code below uses these offsets");
_Static_assert(sizeof(struct stub_scratch) < 0x2000, "a stack follows it");

/* stub_begin: in r12 = pthread_create, r13 = stub_serve; out rbx = the scratch block, eax = pthread_create's result. */
__asm__(".pushsection .rodata\n"
	".globl stub_start, stub_begin, stub_serve, stub_end\n"
	".hidden stub_start, stub_begin, stub_serve, stub_end\n"
	"stub_start:\n"
	"stub_begin:\n"
	"	xor %edi, %edi\n"		/* mmap(0, size, read|write, private|anonymous, -1, 0) */
	"	mov $0x41000, %esi\n"
	"	mov $3, %edx\n"
	"	mov $0x22, %r10d\n"
	"	mov $-1, %r8\n"
	"	xor %r9d, %r9d\n"
	"	mov $9, %eax\n"
	"	syscall\n"
	"	mov %rax, %rbx\n"
	"	cmp $-4095, %rax\n"
	"	jae 1f\n"
	"	lea 0x40000(%rbx), %rsp\n"
	"	xor %ebp, %ebp\n"
	"	cld\n"
	"	lea 0x2000(%rbx), %rdi\n"	/* pthread_create(&somewhere, NULL, stub_serve, scratch) */
	"	xor %esi, %esi\n"
	"	mov %r13, %rdx\n"
	"	mov %rbx, %rcx\n"
	"	call *%r12\n"
	"1:	int3\n"
	"	nop\n"
	"	.balign 16\n"
	"stub_serve:\n"
	"	endbr64\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r12\n"
	"	mov %rdi, %rbx\n"
	"	mov $100000, %r12d\n"		/* naps of 50 us and more */
	"2:	dec %r12d\n"
	"	jz 9f\n"
	"	mov 8(%rbx), %rax\n"
	"	cmp %rax, 0(%rbx)\n"
	"	jne 3f\n"
	"	lea 128(%rbx), %rdi\n"		/* nanosleep(nap, NULL) */
	"	xor %esi, %esi\n"
	"	mov $35, %eax\n"
	"	syscall\n"
	"	jmp 2b\n"
	"3:	mov 16(%rbx), %rax\n"
	"	cmp $-1, %rax\n"
	"	je 4f\n"
	"	mov 24(%rbx), %rdi\n"
	"	mov 32(%rbx), %rsi\n"
	"	mov 40(%rbx), %rdx\n"
	"	mov 48(%rbx), %r10\n"
	"	mov 56(%rbx), %r8\n"
	"	mov 64(%rbx), %r9\n"
	"	syscall\n"
	"	mov %rax, 72(%rbx)\n"
	"	mov 0(%rbx), %rax\n"
	"	mov %rax, 8(%rbx)\n"
	"	jmp 2b\n"
	"4:	mov 104(%rbx), %r12\n"
	"	test %r12, %r12\n"
	"	jnz 6f\n"
	"	lea 144(%rbx), %rdi\n"		/* dlopen(path, RTLD_NOW) */
	"	mov $2, %esi\n"
	"	call *80(%rbx)\n"
	"	mov %rax, %r12\n"
	"	mov 112(%rbx), %rdi\n"		/* close(fd) */
	"	mov $3, %eax\n"
	"	syscall\n"
	"	test %r12, %r12\n"
	"	jz 7f\n"
	"	mov %r12, %rdi\n"
	"	lea 256(%rbx), %rsi\n"
	"	call *88(%rbx)\n"		/* dlsym */
	"	mov %rax, %r12\n"
	"	test %r12, %r12\n"
	"	jz 8f\n"
	"6:	movq $3, 120(%rbx)\n"		/* tail call: from here on this code is not needed */
	"	lea 1024(%rbx), %rdi\n"
	"	mov %r12, %rax\n"
	"	pop %r12\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	jmp *%rax\n"
	"7:	call *96(%rbx)\n"		/* dlerror's text goes away with this thread */
	"	mov %rax, %rsi\n"
	"	lea 512(%rbx), %rdi\n"
	"	mov $250, %ecx\n"
	"	test %rsi, %rsi\n"
	"	jz 10f\n"
	"11:	lodsb\n"
	"	stosb\n"
	"	test %al, %al\n"
	"	jz 10f\n"
	"	loop 11b\n"
	"10:	movq $1, 120(%rbx)\n"
	"	jmp 9f\n"
	"8:	movq $2, 120(%rbx)\n"
	"9:	xor %eax, %eax\n"
	"	pop %r12\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	ret\n"
	"stub_end:\n"
	".popsection\n");
#endif
