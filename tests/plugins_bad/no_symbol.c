/* A shared object that is not a plug-in: it exports something else. */
int some_other_symbol(void);
__attribute__((visibility("default"))) int some_other_symbol(void) {
    return 1;
}
