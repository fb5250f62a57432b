/* dump.c - a program that prints its arguments, its environment and which preloaded libraries it has */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((weak)) extern int one_is_here, two_is_here;

int main(int argc, char **argv)
{
	free(malloc(777777));
	printf("pieces %d %d\n", &one_is_here ? one_is_here : 0, &two_is_here ? two_is_here : 0);
	for (int i = 1; i < argc; i++)
		printf("argument \"%s\"\n", argv[i]);
	for (char **e = environ; *e; e++)
		puts(*e);
	return argc - 2;
}
