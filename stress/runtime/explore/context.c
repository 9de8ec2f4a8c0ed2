/* explore/context.c - the switch, by hand where we know the machine, by ucontext elsewhere.
 *
 * What must survive a call by the platform's convention is pushed on the old stack and popped from
 * the new one; everything else the compiler has saved around the call. The floating-point control
 * words are the same for all contexts and are left alone.
 */
#include "context.h"

#include <link.h>

#if defined(__x86_64__) && !defined(CKF_EXPLORE_UCONTEXT)

__asm__(".text\n"
        ".globl ckf_explore_context_switch\n"
        ".hidden ckf_explore_context_switch\n"
        ".type ckf_explore_context_switch, @function\n"
        "ckf_explore_context_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size ckf_explore_context_switch, .-ckf_explore_context_switch\n");

enum { SAVED_WORDS = 6 };

void *ckf_explore_context_make(void *top, void (*entry)(void))
{
    /* entry finds the stack as if it had been called: 8 bytes off a 16-byte boundary, with a null
     * return address that ends debuggers' backtraces. */
    uintptr_t *sp = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)15);
    *--sp = 0;
    *--sp = (uintptr_t)entry;
    for (int i = 0; i < SAVED_WORDS; i++)
        *--sp = 0;
    return sp;
}

#elif defined(__aarch64__) && !defined(CKF_EXPLORE_UCONTEXT)

__asm__(".text\n"
        ".globl ckf_explore_context_switch\n"
        ".hidden ckf_explore_context_switch\n"
        ".type ckf_explore_context_switch, %function\n"
        "ckf_explore_context_switch:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x9, sp\n"
        "    str x9, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        ".size ckf_explore_context_switch, .-ckf_explore_context_switch\n");

enum { SAVED_WORDS = 20, LINK_REGISTER = 11 };

void *ckf_explore_context_make(void *top, void (*entry)(void))
{
    uintptr_t *sp = (uintptr_t *)((uintptr_t)top & ~(uintptr_t)15) - SAVED_WORDS;
    for (int i = 0; i < SAVED_WORDS; i++)
        sp[i] = 0;
    sp[LINK_REGISTER] = (uintptr_t)entry;
    return sp;
}

#else

#include <ucontext.h>

/* The ucontext_t lies at the top of the stack that it describes; a context that was not made here
 * (the engine's own) lends the switch a place on its stack. */
void ckf_explore_context_switch(void **from, void *to)
{
    ucontext_t here;
    *from = &here;
    swapcontext(&here, to);
}

void *ckf_explore_context_make(void *top, void (*entry)(void))
{
    ucontext_t *context = (ucontext_t *)(((uintptr_t)top - sizeof *context) & ~(uintptr_t)63);
    char *bottom = (char *)top - CKF_STACK_BYTES;
    getcontext(context);
    context->uc_stack.ss_sp = bottom;
    context->uc_stack.ss_size = (size_t)((char *)context - bottom);
    context->uc_link = NULL;
    makecontext(context, entry, 0);
    return context;
}

#endif

static int look_for_tls(struct dl_phdr_info *info, size_t size, void *found)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_TLS)
            continue;
        *(struct ckf_tls_block *)found = (struct ckf_tls_block){
            .address = info->dlpi_tls_data,
            .image = (const void *)(info->dlpi_addr + segment->p_vaddr),
            .image_size = segment->p_filesz,
            .size = segment->p_memsz,
        };
    }
    return 1; /* the executable comes first, and nothing else matters */
}

struct ckf_tls_block ckf_explore_find_tls_block(void)
{
    struct ckf_tls_block block = {0};
    dl_iterate_phdr(look_for_tls, &block);
    return block;
}

static int take_offset(struct dl_phdr_info *info, size_t size, void *offset)
{
    (void)size;
    *(uintptr_t *)offset = info->dlpi_addr;
    return 1;
}

uintptr_t ckf_explore_load_offset(void)
{
    uintptr_t offset = 0;
    dl_iterate_phdr(take_offset, &offset);
    return offset;
}
