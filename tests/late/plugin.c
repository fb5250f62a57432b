/* plugin.c - linked with libpython; with -DBROKEN it also needs a symbol that does not exist */
extern int Py_NoSiteFlag;
void Py_InitializeEx(int signals);
int PyRun_SimpleString(const char *code);
int nowhere(void);
int run_plugin(void);

int run_plugin(void)
{
#ifdef BROKEN
	return nowhere();
#else
	Py_NoSiteFlag = 1;
	Py_InitializeEx(0);
	return PyRun_SimpleString(
	    "def grab(n): return bytearray(n)\nx = [grab(1000000 + i) for i in range(20)]\nprint(len(x))\n");
#endif
}
