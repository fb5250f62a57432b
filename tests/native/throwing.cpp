// throwing.cpp - exceptions through many frames while every allocation is captured
//
// Prints the number caught: 8 threads times 2000.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct Guard {
	std::string text;
	explicit Guard(int n) : text(100 + n, 'x') {}
	~Guard() { text += std::string(200, 'y'); }	// allocates while unwinding
};

static std::atomic<int> caught;

__attribute__((noinline)) static int deep(int n, int fail)
{
	Guard g(n);
	alignas(64) char aligned[64];			// a realigned frame
	aligned[n & 63] = (char)n;
	std::vector<int> v(n + 1, n);
	if (n == 0) {
		if (fail & 1)
			throw std::runtime_error("number " + std::to_string(fail) + std::string(60, '.'));
		return 0;
	}
	std::sort(v.begin(), v.end(), [](int a, int b) { return a < b; });
	return deep(n - 1, fail) + v[0] + aligned[n & 63];
}

__attribute__((noinline)) static int variable(int n, int fail)
{
	char *p = (char *)__builtin_alloca(16 + n * 8);	// the frame's size is not known at compile time
	p[0] = (char)n;
	try {
		return deep(n % 20, fail) + p[0];
	} catch (const std::logic_error &) {
		return -1;
	}
}

static void work()
{
	std::map<int, std::string> m;
	for (int i = 0; i < 2000; i++)
		try {
			m[i % 50] = std::to_string(variable(i, i * 2 + 1));
		} catch (const std::exception &e) {
			m[i % 50] = e.what();
			caught++;
		}
}

int main()
{
	std::vector<std::thread> t;
	for (int i = 0; i < 8; i++)
		t.emplace_back(work);
	for (auto &x : t)
		x.join();
	std::printf("%d\n", caught.load());
}
