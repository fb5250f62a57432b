// speedscope_import.js FOLDER FILE...: imports each file as speedscope's page does, and prints the profiles as lines of JSON
//
// The npm package has only the page's script. All of it is executed but the last statements, which draw the page; the name
// of the importer is taken from the place that calls it.
const fs = require("fs"), path = require("path"), vm = require("vm");

const release = path.join(process.argv[2], "dist", "release");
const script = fs.readFileSync(path.join(release, fs.readdirSync(release).find((name) => /^speedscope-.*\.js$/.test(name))), "utf8");
const importer = script.match(/"Importing as speedscope json file"\),([\w$]+)\(/)[1];
const drawing = script.lastIndexOf("console.log(`speedscope v");

// A browser that answers every question with itself.
const anything = new Proxy(function () {}, {
	get: (_, key) => (key === Symbol.toPrimitive ? () => "" : key === Symbol.iterator ? undefined : anything),
	apply: () => anything,
	construct: () => anything,
	set: () => true,
});
const context = {
	console: { log() {}, warn: console.error, error: console.error }, document: anything, navigator: anything, localStorage: anything,
	location: { hash: "" }, matchMedia: () => anything, addEventListener() {}, requestAnimationFrame() {}, setTimeout, clearTimeout,
	TextDecoder, TextEncoder, URL, performance,
};
context.window = context.self = new Proxy(context, { get: (all, key) => (key in all ? all[key] : anything) });
vm.runInNewContext(script.slice(0, drawing) + `globalThis.imported = ${importer};})();`, context);

for (const file of process.argv.slice(3))
	for (const profile of context.imported(JSON.parse(fs.readFileSync(file, "utf8"))).profiles) {
		const functions = [];
		profile.forEachFrame((f) => functions.push([f.name, f.file || "", f.line || 0, f.getSelfWeight(), f.getTotalWeight()]));
		console.log(JSON.stringify({ name: profile.getName(), unit: profile.getWeightUnit(), total: profile.getTotalWeight(), functions }));
	}
