// Built twice, with frames of another size: loaded one after the other in the same place, the same return
// address needs another rule. PLUGIN_FRAME above 127, so that both have instructions of the same length.
#define TEXT(x) #x
#define EXPAND(x) TEXT(x)

extern "C" void plugin_call(void (*leaf)(void*), void* argument);

__asm__(
    ".text\n"
    ".globl plugin_call\n"
    ".type plugin_call, @function\n"
    "plugin_call:\n"
    ".cfi_startproc\n"
    "sub $" EXPAND(PLUGIN_FRAME) ", %rsp\n"
    ".cfi_def_cfa_offset 8 + " EXPAND(PLUGIN_FRAME) "\n"
    "mov %rdi, %rax\n"
    "mov %rsi, %rdi\n"
    "call *%rax\n"
    "add $" EXPAND(PLUGIN_FRAME) ", %rsp\n"
    ".cfi_def_cfa_offset 8\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size plugin_call, . - plugin_call\n"
    ".section .note.GNU-stack, \"\", @progbits\n"
    ".text\n");
