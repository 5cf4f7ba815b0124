// What the host's kernel takes for a process: the smallest program of all.
int main(void) { return 0; }
