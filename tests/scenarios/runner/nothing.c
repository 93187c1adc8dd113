/* A program that ends at once: linked statically, and linked with the tracker. */
int main(void) {
  return 0;
}
