---@meta dam
-- Annotations for the Lua language server (LuaLS). Made by `make docs` from the docstrings.
-- Modules of the library are named so: local sweep = require "dam.sweep" ---@type dam.sweep

---@class dam.config
---@field device string as --device
---@field threads integer as --threads; one per core when nothing was asked
---@field quiet boolean --quiet
---@field dry_run boolean --dry-run
---@field fresh boolean --fresh
---@field shard? integer[] {i, n} of --shard i/n

---@class dam.build
---@field type string such as "release"
---@field compiler string its name and version
---@field flags string flags of the compiler
---@field glibc string oldest C library that it runs with
---@field libraries table version by name of library

--- The module `dam`: the C core with the standard library over it. Reading a name that it does not have is an error with the nearest spelling; to probe, use rawget(dam, name).
---
--- ```lua
--- print(dam.version, dam.build.type, dam.config.threads)
--- ```
---@class dam
---@field version string such as "0.1.0"
---@field config dam.config what command line and environment ask for
---@field build dam.build how this binary was made
dam = {}

--- Makes an array from nested tables, or copies an array.
---
--- Errors: on empty and ragged tables and on anything that is not a number, naming its place
---
--- ```lua
--- a = dam.array{ { 1, 2, 3 }, { 4, 5, 6 } }; print(a(2, 1), (a * 2):sum())
--- ```
---@param values table|dam.array a number list for one dimension, a list of equally long lists for two, and so on up to 8 dimensions; lists of arrays of one shape stack them. NaN and infinities are allowed
---@return dam.array
function dam.array(values) end

--- Makes an array of zeros.
---
--- Errors: on lengths that are not integers of 1 or more, and when it does not fit into memory
---
--- ```lua
--- a = dam.zeros(2, 3)
--- ```
---@param n integer first length, 1 or more
---@param ... integer further lengths, up to 8 in all
---@return dam.array
function dam.zeros(n, ...) end

--- Equally spaced values, both ends included. Values are rounded to 12 significant digits, so that a temperature has one identity however it was computed.
---
--- Errors: on numbers that are not finite and n < 1
---
--- ```lua
--- T = dam.linspace(0.1, 2, 20)
--- ```
---@param a number first value
---@param b number last value; may be smaller than a
---@param n integer how many, 1 or more (1 gives a alone)
---@return dam.array # [n]
function dam.linspace(a, b, n) end

--- The values a, a + step, a + 2 step, ... up to b, which is included up to rounding. Values are rounded to 12 significant digits: 0.1 + 0.2 is 0.3 here.
---
--- Errors: on numbers that are not finite, step = 0, a range without values, and one that does not fit into memory
---
--- ```lua
--- alpha = dam.range(0.01, 0.55, 0.01)
--- ```
---@param a number first value
---@param b number bound of the last value
---@param step number not 0; negative to count down
---@return dam.array # [n]
function dam.range(a, b, step) end

---@class dam.descend.options
---@field hamiltonian dam.hamiltonian dam.lse{}, dam.lsr{} or dam.polynomial{}
---@field patterns dam.patterns dam.patterns{}
---@field init? table|dam.array|"cold"|"hot"|"support" as dam.mh; or an array of states [disorder, replica, N], or [n, disorder, replica, N] such as sampler:state(), whose leading dimension the results get, too (default { phi = {0.75, 1} })
---@field replicas? integer starts per disorder (default 1)
---@field first_replica? integer number of the first of them (default 1)
---@field rule? "update"|"gradient" "update": x becomes the weighted sum of the patterns, projected to the sphere, which is the attention update for LSE; "gradient": small steps along the projected gradient, which stay in the valley they start in (default "update")
---@field tolerance? number converged when the angle between x and -dH/dx, in radians, is at most this; energies resolve about 1e-7 (default 1e-7)
---@field max_steps? integer steps at most (default 10000)
---@field seed? integer seed of the starts (default 1)
---@field path? boolean keep energies and alignments of all steps (default false)

--- Retrieval at T = 0: from each start down to a fixed point of the energy on the sphere, in double precision and on all threads. No step raises the energy.
---
--- Errors: on unknown options and values that are not allowed; naming the chain when an LSR start is out of every pattern's support; when results do not fit into memory; "interrupted" after Ctrl-C
---
--- Source: A(1), A(3), A(7)
---
--- ```lua
--- p = dam.patterns{ N = 20, M = 8, disorder = 4 }
--- r = dam.descend{ hamiltonian = dam.lse(), patterns = p, init = { phi = 0.9 } }
--- print(r:table())
--- ```
---@param options dam.descend.options
---@return dam.descent
function dam.descend(options) end

---@class dam.lse.options
---@field beta_net? number inverse variance of the kernel, > 0 (default 1)

--- Gaussian kernel (log-sum-exp): H = -(1/beta_net) ln sum_mu exp(-beta_net N (1 - phi^mu)).
---
--- Errors: on unknown options and values that are not allowed
---
--- Source: A(3), B(1)
---
--- ```lua
--- H = dam.lse{ beta_net = 1 }
--- print(H, H:u(0.9))
--- ```
---@param options? dam.lse.options
---@return dam.hamiltonian
function dam.lse(options) end

---@class dam.lsr.options
---@field b? number sharpness b = N beta_net, > 0, the same at every N
---@field beta_net? number > 0, instead of b: then b = N beta_net
---@field epsilon? number in [0, 1); 0 is the hard wall of B: proposals out of every support are rejected (default 0)

--- Epanechnikov kernel (log-sum-ReLU): H = -(1/beta_net) ln sum_mu max(epsilon, 1 - b (1 - phi^mu)).
---
--- Errors: on unknown options, values that are not allowed, and when not exactly one of b, beta_net is given
---
--- Source: A(7), B(2)
---
--- ```lua
--- H = dam.lsr{ b = 3.41 }
--- print(H, H:u(0.9), H:u(0.5)) -- infinite outside of the support, phi < 1 - 1/b
--- ```
---@param options dam.lsr.options exactly one of b and beta_net
---@return dam.hamiltonian
function dam.lsr(options) end

---@class dam.polynomial.options
---@field k? integer degree, 1 to 100 (default 3)

--- Polynomial interaction: H = -N sum_mu (phi^mu)^k, A(1) on the sphere.
---
--- Errors: on unknown options and values that are not allowed
---
--- Source: A(1)
---
--- ```lua
--- H = dam.polynomial{ k = 3 }
--- print(H, H:u(0.9))
--- ```
---@param options? dam.polynomial.options
---@return dam.hamiltonian
function dam.polynomial(options) end

--- Loads what an array's or a sampler's `save` wrote; also any NPY file of NumPy with real numbers (float32, float64, integers, booleans; C or Fortran order; either byte order). 64-bit integers round to the nearest double.
---
--- Errors: naming the file when it is missing, of another kind, truncated or corrupt, when its array is empty, has no or more than 8 dimensions, and when it does not fit into memory
---
--- ```lua
--- a = dam.zeros(2, 3); name = os.tmpname(); a:save(name); b = dam.load(name); os.remove(name)
--- ```
---@param file string name of the file; what it holds is told from its content, not from its name
---@return any # the array or sampler
function dam.load(file) end

---@class dam.patterns.options
---@field N? integer dimension, 2 to 1e6
---@field M? integer number of patterns, 1 to 2^32 - 1
---@field alpha? number load >= 0, instead of M: M = round(exp(alpha N))
---@field disorder? integer independent draws of the whole set (default 1)
---@field first_disorder? integer number of the first of them (default 1)
---@field seed? integer seed of the draws (default 1)
---@field from? dam.array your own patterns, [M, N] or [disorder, M, N]; kept in single precision
---@field rescale? boolean project rows of `from` to the sphere; else rows off it are an error (default false)
---@field target? integer index of the target in `from` (default 1)
---@field targets? integer[] one disorder of the data per target, instead of target

--- A pattern set: `disorder` independent draws of M patterns, uniform on the sphere |xi|^2 = N, or your own data. Drawn patterns are a function of (seed, N, disorder, mu, component) alone: sets nest, and disorders 9 to 16 are the same alone (`first_disorder = 9, disorder = 8`) and within 1 to 16. Pattern 1 of a drawn set is the target.
---
--- Errors: on unknown options and values that are not allowed; when one disorder does not fit into memory; naming the row for rows off the sphere, without direction, or not finite
---
--- Source: A(1), B section 2
---
--- ```lua
--- p = dam.patterns{ N = 50, alpha = 0.1, disorder = 16, seed = 7 }
--- print(p, p.M, p.alpha)
--- ```
---@param options dam.patterns.options N with M or alpha for drawn patterns, `from` for your own
---@return dam.patterns
function dam.patterns(options) end

---@class dam.mh.options.init
---@field phi? number|[number, number]|"support" alignment with the pattern: a number, a pair {a, b} for uniform in between, drawn for each chain, or "support" (uniform on (max(0.75, 1 - 1/b), 1], for LSR with b > 4, where {0.75, 1} begins outside of the support) (default {0.75, 1})
---@field pattern? integer the pattern that phi is the alignment with; default the target
---@field mix? integer[] instead of phi: start at the normalised sum of these patterns

---@class dam.mh.options
---@field hamiltonian dam.hamiltonian dam.lse{}, dam.lsr{} or dam.polynomial{}
---@field patterns dam.patterns dam.patterns{}
---@field T number|number[]|dam.array temperatures of the bath, k_B = 1, each > 0 (for T = 0: dam.descend)
---@field replicas? integer chains per temperature and disorder (default 1)
---@field first_replica? integer number of the first of them: replicas 3 and 4 alone are { first_replica = 3, replicas = 2 } (default 1)
---@field init? dam.mh.options.init|dam.array|"cold"|"hot"|"support"|"exact" where the chains start: "cold" at the target; "hot" uniform on the sphere; "support" like { phi = "support" }; "exact" in independent draws of the Gibbs measure (LSE at T = 1/beta_net only); an array of states [T, disorder, replica, N]; or a table of the following (default { phi = {0.75, 1} })
---@field step? number width of a proposal, > 0: sigma = step T/sqrt(N) per component (default 2.4)
---@field seed? integer seed of the chains; patterns have their own (default 1)
---@field device? "auto"|"cpu"|"cuda"|"cuda-on-cpu"|string "cuda:1" is the second GPU, "cuda-on-cpu" is for tests (see dam.devices); "auto" the best usable device; the default is what --device or DAMLUA_DEVICE says. Every decision is the same (default "auto")
---@field evaluation? "auto"|"reference"|"active"|"coarse"|"single"|string the tiers that proposals go through: "active" (lists of near patterns), "coarse" (all patterns in bytes, one or two a component), "single" (all patterns in single precision), alone or joined by "+" as in "active+single"; "auto": all, but "coarse" only where the processor has instructions for it or a GPU enough to do; "reference": none of them. What a tier cannot prove goes to the next one and in the end to the reference, so every decision is the same (default "auto")

--- A Metropolis-Hastings sampler, B(7): chains for every temperature, disorder of the pattern set and replica. A chain's numbers depend on (seed, N, M, T, disorder, replica) alone: not on threads, on the other chains, or on how a run is cut into calls.
---
--- Errors: on unknown options and values that are not allowed; when the chains do not fit into memory; naming the chain when an LSR start is out of every pattern's support
---
--- Source: B(6), B(7)
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- print(s:sample(100):table())
--- ```
---@param options dam.mh.options
---@return dam.sampler
function dam.mh(options) end

--- Time since some fixed moment, for measuring durations; it never goes back.
---
--- ```lua
--- local start = dam.clock()
--- print(dam.clock() - start)
--- ```
---@return number # seconds
function dam.clock() end

--- How many threads parallel work uses: `--threads`, DAMLUA_THREADS, or one per processor core. No result depends on it.
---
--- ```lua
--- print(dam.threads())
--- ```
---@return integer # threads
function dam.threads() end

--- The instruction set that the CPU's inner loops use: the widest one the processor and the operating system support, or the one named by DAMLUA_ISA. No result depends on it.
---
--- Errors: when DAMLUA_ISA names an instruction set that is unknown or not available here
---
--- ```lua
--- print(dam.isa())
--- ```
---@return string # "scalar", "avx2" or "avx512"
function dam.isa() end

--- The devices of this machine, the best first.
---
--- ```lua
--- for _, d in ipairs(dam.devices()) do print(d.name, d.usable, d.why) end
--- ```
---@return table[] # one table per device: `name` ("cpu", "cuda:0", "cuda-on-cpu": the kernels for GPUs executed on the CPU, for tests), `kind` ("cpu", "cuda", "cuda-on-cpu"), `memory` (bytes that can be had now), `live` (bytes that this process holds there), `usable` (boolean), `why` (string: why it is not usable, empty when it is)
function dam.devices() end

--- Geometric entropy per neuron of the states at alignment phi with one pattern, s = (1/2) ln(1 - phi^2); with q, of the replica-symmetric cloud, s = (1/2) [ln(1 - q) + (q - phi^2)/(1 - q)], which is the former at its minimum in q, q = phi^2.
---
--- Source: A(19), A(21)
---
--- ```lua
--- print(dam.entropy(0.8, 0.64))
--- ```
---@param phi number|dam.array alignment, -1 < phi < 1 (with q also -1 and 1)
---@param q? number|dam.array overlap of two replicas, -1 <= q < 1
---@return number|dam.array # entropy per neuron, <= 0 without q; nil and the reason outside the domain
function dam.entropy(phi, q) end

---@class dam.gram_entropy.options
---@field N number dimension, > M

--- Entropy of the states with given alignments with M patterns, S = ((N-M)/2) ln(1 - phi^T G^-1 phi): extensive, without constants that do not depend on phi. (The exponent N-M is the papers'; exactly it is N-M-2.)
---
--- Errors: when the Gram matrix is singular or not positive definite (dependent patterns), not symmetric, or of another shape
---
--- Source: A(17), A(18)
---
--- ```lua
--- print(dam.gram_entropy({ 0.5, 0.1 }, dam.array{ { 1, 0.2 }, { 0.2, 1 } }, { N = 50 }))
--- ```
---@param phi dam.array|table|number alignments [M]
---@param gram dam.array|number Gram matrix [M, M] with elements xi^mu.xi^nu/N, as p:gram(d) gives it
---@param options dam.gram_entropy.options
---@return number # entropy; nil and the reason when no state has these alignments
function dam.gram_entropy(phi, gram, options) end

---@class dam.theory.options
---@field law? "paper"|"exact" the papers' formulas, or the exact geometry of the sphere (default "paper")
---@field floor? "A39"|"A30" LSR, law "paper": the floor of LSE (exists for f_ret <= 1), or LSR's own (default "A39")
---@field which? "depth"|"spinodal"|"global" LSE, law "exact": f_ret = u_noise; where the target basin vanishes; all M basins counted (default "depth")

--- The analytic theory of a Hamiltonian. Its functions take numbers, arrays or lists of numbers (shapes are matched from the last dimension, a length of 1 repeats) and return the like. Outside a formula's domain they return nil and the reason, never NaN; for an array the reason names the first such element (a:map(function(T) return th:phi(T) or 0 end) treats elements one by one).
---
--- Errors: on anything that is not allowed
---
--- Source: A(13)-(39), B(8), B(9)
---
--- ```lua
--- th = dam.theory(dam.lse{ beta_net = 1 }, { law = "exact" })
--- ```
---@param hamiltonian dam.hamiltonian dam.lse, dam.lsr or dam.polynomial
---@param options? dam.theory.options
---@return dam.theory
function dam.theory(hamiltonian, options) end

--- The command-line options of a script. An option's default says its type: an integer, a number, a flag (`--quick`, `--no-quick`), text, or a list of numbers (`--T 0.1,0.2` or `--T 0.1:1:0.1`; an array when the default is one, else a table). `--name value` and `--name=value` are the same, as are `_` and `-` in names. `--help` and `-h` print the options and leave with status 0; a mistake is one line on standard error and status 1.
---
--- Errors: on a specification of another form
---
--- ```lua
--- opt = dam.options{ seed = { 42, "random seed" }, steps = { 10000, "steps", 100 } }
--- print(opt.seed, opt.steps, opt.quick)
--- ```
---@param specification table `name = { default, "help text" }` for every option; a third value is the default with `--quick`, which is then an option of the script
---@param args? table list of words instead of the script's `arg`; mistakes are raised then
---@return table # the value of every option. `dam.options.last` keeps a copy, which is recorded with results
function dam.options(specification, args) end

---@class dam.plot.options.curves
---@field x number[]|dam.array places
---@field y number[]|dam.array values, as many as x
---@field err? number[]|dam.array error bars, as many as x; not with style = "line"
---@field label? string text in the legend
---@field style? "points"|"line"|"linespoints"  (default "line")
---@field color? string|integer "#rrggbb", a name, or a number of the palette
---@field dash? "solid"|"dashed"|"dotted"|"dashdot"|boolean  (default "solid")

---@class dam.plot.options.heatmap
---@field x number[]|dam.array middles of the cells, ascending
---@field y number[]|dam.array middles of the cells, ascending
---@field z table|dam.array values [#x, #y]
---@field label? string text at the scale
---@field range? [number, number] {low, high} of the scale

---@class dam.plot.options
---@field file? string name ending in .png, .svg or .pdf; without it the terminal
---@field title? string
---@field xlabel? string
---@field ylabel? string
---@field xrange? [number, number] {low, high}
---@field yrange? [number, number] {low, high}
---@field logx? boolean logarithmic axis (default false)
---@field logy? boolean logarithmic axis (default false)
---@field key? string|boolean place of the legend in words of "top", "bottom", "left", "right", "center", "inside", "outside", "above", "below"; false for none; by default a corner without data
---@field size? [integer, integer] width and height in pixels, 100 to 10000 (default {1200, 800})
---@field curves? dam.plot.options.curves[] series drawn as lines; points and curves of one place in their lists share a colour
---@field points? table[] series drawn as points, like curves
---@field vlines? table[] vertical lines: numbers, or { x =, label =, color =, dash = }
---@field hlines? table[] horizontal lines: numbers, or { y =, label =, color =, dash = }
---@field heatmap? dam.plot.options.heatmap a map of colours
---@field shaded? table[] regions: { x = {from, to} } or { y = {from, to} }, or bands { x =, low =, high = }; each with label and color
---@field overwrite? boolean replace a file that is there (default false)

--- Draws a figure. `dam.plot{ file = "out/x.png", ... }` writes a PNG, SVG or PDF file by its suffix; without a file, and as `dam.plot(x, y)`, `dam.plot(x, y, err)` or `dam.plot(y)`, it draws in the terminal: a picture where the terminal takes kitty's protocol or sixel, else characters. `dam.plot(x, y, "x.png")` draws into a file. Texts may hold UTF-8 (Greek included); `_{...}` and `^{...}` make sub- and superscripts, everything else is literal. NaN and infinite points are left out.
---
--- A file's folder is made when missing. A file that is there already is kept as NAME~ (replacing an older NAME~) unless `overwrite = true`. A figure is complete or not there.
---
--- Errors: naming the option on anything that is not allowed, empty series, unequal lengths; when gnuplot is missing (with what to install) or fails (with its words); when the file cannot be written
---
--- ```lua
--- local x = dam.linspace(0, 6, 50)
--- dam.plot(x, x:map(math.sin), { title = "sine", style = "line" })
--- name = os.tmpname()
--- dam.plot{ file = name .. ".png", xlabel = "x", curves = { { x = x, y = x ^ 2, label = "x²" } } }
--- os.remove(name); os.remove(name .. ".png")
--- ```
---@param options dam.plot.options|dam.array the following, or x
---@param y? number[]|dam.array values, when the first argument is x; without them x are the values
---@param err? number[]|dam.array|string|table their errors; or a file's name; or options, those of the series among them: { err =, label =, style =, title =, file =, ... }
---@return string # the file's name; nothing for the terminal
function dam.plot(options, y, err) end

--- Bundles: one file with a script, its modules, its results and where they come from. A zip archive without compression, so that any zip program shows what is inside; the manifest, its first part, names every other part with size and SHA-256. Nothing in a bundle is used before all of it has been read and compared with the manifest.
---@class dam.bundle
dam.bundle = {}

--- The bytes of a bundle of parts { name, bytes }; `facts` are added to the manifest.
---
--- ```lua
--- bytes = require "dam.bundle".encode({ name = "x" }, { { name = "a.txt", bytes = "b" } })
--- ```
---@param facts table what is known of the parts
---@param parts table list of { name =, bytes = }
---@return string
function dam.bundle.encode(facts, parts) end

--- Whether a file begins like a bundle.
---
--- ```lua
--- print(require "dam.bundle".is "x.sqlite")
--- ```
---@param path string
---@return boolean
function dam.bundle.is(path) end

--- Checks bytes as a bundle; nothing in them is run.
---
--- Errors: on anything that is not exactly what the manifest says
---
--- ```lua
--- bundle = require "dam.bundle"
--- bytes = bundle.encode({ script = "a.lua", result = "a.lua" }, { { name = "a.lua", bytes = "" } })
--- assert(bundle.decode("x", bytes).script == "a.lua")
--- ```
---@param path string the name for messages
---@param bytes string
---@return table # the manifest
---@return table # bytes by name of part
function dam.bundle.decode(path, bytes) end

--- Reads and checks a bundle.
---
--- Errors: when it cannot be read or is not exactly what its manifest says
---
--- ```lua
--- print(pcall(require "dam.bundle".read, "no such file"))
--- ```
---@param path string
---@return table # the manifest
---@return table # bytes by name of part
---@return string # the manifest's text, whose SHA-256 names the bundle
function dam.bundle.read(path) end

--- Writes a file, whole or not at all.
---
--- Errors: when it cannot be written
---
--- ```lua
--- print(pcall(require "dam.bundle".write, "/no/such/folder", ""))
--- ```
---@param path string
---@param bytes string
function dam.bundle.write(path, bytes) end

--- Writes the parts of a bundle below a folder.
---
--- Errors: when a file cannot be written
---
--- ```lua
--- require "dam.bundle".extract({}, ".")
--- ```
---@param bytes table by name of part, as bundle.read gives them
---@param folder string
function dam.bundle.extract(bytes, folder) end

--- Checks shared by the modules of the standard library: the same manners, and the same wording, as the bindings' own. Messages name the function, the option, the value found and what is allowed.
---@class dam.check
dam.check = {}

--- The member of a list of names that a word most likely meant.
---
--- ```lua
--- print(require "dam.check".nearest("sede", { "seed", "quick" }))
--- ```
---@param word string what was written
---@param candidates table list of names
---@return string|nil # the name; nil when none is near (one edit in a short word, two in a longer)
function dam.check.nearest(word, candidates) end

--- "'sede'; did you mean 'seed'? (options: quick, seed)" for a name that is not in a list.
---
--- ```lua
--- print(require "dam.check".unknown("sede", { "seed", "quick" }, "options"))
--- ```
---@param word string what was written
---@param candidates table list of names
---@param what string what the names are, such as "options"
---@return string
function dam.check.unknown(word, candidates, what) end

--- What users recognise of a value.
---
--- ```lua
--- print(require "dam.check".show("x"))
--- ```
---@param v any any value
---@return string
function dam.check.show(v) end

--- Raises an error at the place where the user called the standard library.
---
--- Errors: always
---
--- ```lua
--- print(pcall(require "dam.check".raise, "no %s", "way"))
--- ```
---@param format string as for string.format
---@param ... any its values
function dam.check.raise(format, ...) end

--- Raises "WHERE: KEY = VALUE is not allowed: expected EXPECTED".
---
--- Errors: always
---
--- ```lua
--- print(pcall(require "dam.check".argument, "dam.plot", "size", 3, "two numbers"))
--- ```
---@param where string the function, such as "dam.plot"
---@param key string the option's name
---@param value any what was found
---@param expected string what is allowed
function dam.check.argument(where, key, value, expected) end

--- Checks the keys of a table of options.
---
--- Errors: on another type and on unknown keys, with the nearest spelling
---
--- ```lua
--- require "dam.check".options("dam.plot", { file = "x.png" }, { "file", "title" })
--- ```
---@param where string the function, such as "dam.plot"
---@param options table what the user gave
---@param allowed table list of the option names
function dam.check.options(where, options, allowed) end

--- A list of numbers from a table or a one-dimensional array.
---
--- Errors: on anything else
---
--- ```lua
--- print(#require "dam.check".numbers("dam.plot", "x", { 1, 2, 3 }))
--- ```
---@param where string the function
---@param key string the name of the value
---@param value table|dam.array numbers; NaN and infinities are allowed
---@return table # a new list
function dam.check.numbers(where, key, value) end

--- Numbers with errors, and tables that align: how results look on a terminal and in a CSV file.
---@class dam.format
dam.format = {}

--- A value with its error in parentheses, the error's two leading digits kept: the digits in parentheses count in the last place of the value; an error of 1 or more keeps its point.
---
--- Errors: on values that are no numbers and negative errors
---
--- ```lua
--- print(dam.format.pm(0.31498, 0.00072)) --> 0.31498(72)
--- ```
---@param v number the value
---@param err? number its standard error, >= 0. 0 is exact and gives "(0)"; NaN or infinite: not known, the value is shown with six digits; nil: the value alone
---@return string
function dam.format.pm(v, err) end

---@class dam.format.table.columns
---@field name string the column's name
---@field err? string the column of its standard errors, which the text merges as 0.31498(72) and CSV keeps apart
---@field format? string for string.format (default "%.6g")
---@field title? string what the text calls the column

--- A table of results that prints aligned.
---
--- Errors: on rows and columns of another form
---
--- ```lua
--- print(dam.format.table({ { T = 0.1, phi = 0.95, e = 0.01 } },
--- { "T", { name = "phi", err = "e" } }))
--- ```
---@param rows table list of rows, each a table from column name to number or string
---@param columns dam.format.table.columns list of names, or of tables of the following
---@return table # list of the same rows, which prints aligned (help "csv", help "column")
function dam.format.table(rows, columns) end

--- help(): the documentation at hand. In damlua `help` is a global; elsewhere `local help = require "dam.help"`. `help()` begins, `help(dam)` lists all functions, `help(dam.mh)` and `help "mh"` explain one, `help "mh init"` one of its options, `help(s)` a value and what it can do, `help "temperature"` searches all texts.
---@class dam.help
dam.help = {}

--- The names of the options of a function, in the order of the reference.
---
--- ```lua
--- print(table.concat(require "dam.help".options("dam.mh"), " "))
--- ```
---@param name string of the function or method, such as "dam.mh" or "sampler:sample"
---@param option? string one of its options, for the options within it ("init", "curves")
---@return table # list of names; empty for a function without options
function dam.help.options(name, option) end

--- The texts that an option allows.
---
--- ```lua
--- print(table.concat(require "dam.help".enum("dam.mh", "init"), " "))
--- ```
---@param name string of the function or method
---@param option string its name; with dots for an option within an option
---@return table # list of texts; empty when it takes none, or any
function dam.help.enum(name, option) end

--- Entries whose texts hold all words, the best first.
---
--- ```lua
--- for _, name in ipairs(require "dam.help".search "temperature") do print(name) end
--- ```
---@param words string what to look for
---@return table # list of names, such as "dam.mh"
function dam.help.search(words) end

--- The text that help shows.
---
--- ```lua
--- print(require "dam.help".text("lse", 60))
--- ```
---@param topic? any a name, words to look for, or a value; nothing for the beginning
---@param width? integer columns (default: those of the terminal, at most 100; 80 elsewhere)
---@return string
function dam.help.text(topic, width) end

--- JSON as results need it: keys sorted and numbers exact, so that equal values give equal texts. Numbers that JSON lacks are written NaN, Infinity and -Infinity, as Python reads and writes them.
---@class dam.json
dam.json = {}

--- The shortest text that reads back as the same number; a float keeps a point or an exponent.
---
--- ```lua
--- json = require "dam.json"; assert(json.number(0.1) == "0.1")
--- ```
---@param v number
---@return string
function dam.json.number(v) end

--- The text of a value: numbers, strings, booleans, lists, and tables with string keys (sorted).
---
--- Errors: on functions, userdata, other keys and tables that contain themselves
---
--- ```lua
--- json = require "dam.json"; assert(json.encode{ b = 1, a = {2.5} } == '{"a":[2.5],"b":1}')
--- ```
---@param v any any of these
---@return string
function dam.json.encode(v) end

--- The value of a text; null in a list or table leaves nothing.
---
--- Errors: where the text is not JSON
---
--- ```lua
--- json = require "dam.json"; assert(json.decode('{"a":[1,2.5]}').a[2] == 2.5)
--- ```
---@param text string
function dam.json.decode(text) end

--- NPZ files: NumPy arrays in an uncompressed zip. Equal arrays give equal bytes (no dates).
---@class dam.npz
dam.npz = {}

--- The bytes of a file with the given arrays.
---
--- ```lua
--- bytes = require "dam.npz".encode{ { name = "x", values = { 1.5, 2 } } }
--- ```
---@param arrays table list of { name =, values = list of numbers } or { name =, bytes = text }
---@return string
function dam.npz.encode(arrays) end

--- Exact oracles: cases in which the sampler's answer is known without it, used by the tests and by `damlua -m selftest`. Each returns what was found, what is exact, and a verdict.
---@class dam.oracle
dam.oracle = {}

--- The exact mean alignment with M = 1, LSE (von Mises-Fisher) or LSR (quadrature).
---
--- Source: B(8)
---
--- ```lua
--- print(require "dam.oracle".single_pattern(dam.lse(), 24, 0.5))
--- ```
---@param H dam.hamiltonian made by dam.lse or dam.lsr{ b = }
---@param N integer
---@param T number
---@return number # mean of phi
function dam.oracle.single_pattern(H, N, T) end

--- Runs M = 1 chains and compares their mean alignment with the exact one.
---
--- ```lua
--- oracle = require "dam.oracle"
--- r = oracle.check_single_pattern(dam.lse(), 12, 0.5,
---   { disorder = 4, equilibrate = 100, sample = 200, seed = 1 })
--- print(r.found, r.exact)
--- ```
---@param H dam.hamiltonian
---@param N integer
---@param T number
---@param size table disorder, equilibrate, sample; seed
---@return table # found, error, exact, deviation (in standard errors)
function dam.oracle.check_single_pattern(H, N, T, size) end

--- Kolmogorov-Smirnov test of values against a distribution function.
---
--- ```lua
--- print(require "dam.oracle".ks({ 0.1, 0.4, 0.8 }, function(x) return x end))
--- ```
---@param values table sorted in place
---@param cdf function
---@return number # probability of such a distance or a larger one
function dam.oracle.ks(values, cdf) end

--- Kolmogorov-Smirnov test of two samples against each other.
---
--- ```lua
--- print(require "dam.oracle".ks2({ 0.1, 0.4, 0.8 }, { 0.2, 0.5, 0.9 }))
--- ```
---@param a table sorted in place
---@param b table sorted in place
---@return number # probability of such a distance or a larger one
function dam.oracle.ks2(a, b) end

--- Distribution function of the alignment phi when (1 + phi)/2 is Beta(k/2, k/2): the law of one coordinate of a uniform point is k = N - 1. By the recursion of integrals of cos^(k-1).
---
--- ```lua
--- print(require "dam.oracle".beta_cdf(11)(0))
--- ```
---@param k integer
---@return function # of phi
function dam.oracle.beta_cdf(k) end

--- Instantaneous alignments at T = 1e6, where every state is as likely as any other.
---
--- ```lua
--- print(#require "dam.oracle".infinite_temperature(dam.lse(), 4, 10000, 1))
--- ```
---@param H dam.hamiltonian without a wall
---@param N integer
---@param states integer how many, a multiple of 10000
---@param seed integer
---@return table # list of alignments
function dam.oracle.infinite_temperature(H, N, states, seed) end

--- At T = 1/beta_net the LSE Gibbs measure is a mixture of von Mises-Fisher laws. Chains that start from independent draws of it must keep its distribution. A `rule` other than T itself samples with a wrong acceptance at the right proposal width, which must be noticed.
---
--- ```lua
--- oracle = require "dam.oracle"
--- r = oracle.exact_mixture(1, 3, 6,
---   { chains = 40, steps = 10, snapshots = 2, apart = 5, batches = 2, seed = 1 })
--- print(r.energy, r.deviation)
--- ```
---@param beta_net number
---@param M integer
---@param N integer
---@param size table chains (a multiple of 40), steps; for the mean energy then snapshots, `apart` steps from one to the next, and batches of as many fresh draws; seed
---@param rule? number temperature that acceptance uses (default 1/beta_net)
---@return table # energy, largest: probabilities (two-sample Kolmogorov-Smirnov) that the states after `steps` follow the law of fresh draws; deviation: of the mean energy of the snapshots from that of fresh draws, in standard errors; kept: whether all agree
function dam.oracle.exact_mixture(beta_net, M, N, size, rule) end

--- The four wrong acceptance rules, as the temperatures that they amount to: T forgotten, T inverted, 1/beta_net dropped, exponent 5 % off.
---
--- ```lua
--- for name, T in pairs(require "dam.oracle".wrong_rules(2)) do print(name, T) end
--- ```
---@param beta_net number
---@return table # name -> temperature
function dam.oracle.wrong_rules(beta_net) end

--- What the prompt does with a line, for the program to call: compiling, showing results, keeping locals, completing, warning of globals that nobody has set. Loaded only where there is a prompt.
---@class dam.prompt
dam.prompt = {}

--- Compiles what was typed so far.
---
--- ```lua
--- print(require "dam.prompt".compile "1 +")
--- ```
---@param text string
---@return string # "complete", "incomplete" or "wrong"
---@return function|string # what to run, or the error
---@return boolean # whether results are not to be shown
function dam.prompt.compile(text) end

--- Says that what runs next is no line of the prompt but a script.
---
--- ```lua
--- require "dam.prompt".expect_script()
--- ```
function dam.prompt.expect_script() end

--- Keeps the locals of what failed.
---
--- ```lua
--- require "dam.prompt".salvage({ "x", 1 }, 2)
--- ```
---@param found table name, value, name, value, ... from the stack
---@param count integer entries of `found`, nil values included
function dam.prompt.salvage(found, count) end

--- Notes every read of an undefined global by text typed at the prompt. Nothing when _G has a metatable already: --strict makes them errors.
---
--- ```lua
--- require "dam.prompt".watch_globals()
--- ```
function dam.prompt.watch_globals() end

--- Warnings about the globals that the last text read in vain, each once, without those that its error names.
---
--- ```lua
--- print(require "dam.prompt".warnings())
--- ```
---@param message? string the error, if it failed
---@return string|nil # lines
function dam.prompt.warnings(message) end

--- Candidates for what stands before the cursor: see dam.prompt.complete.
---
--- ```lua
--- print(require "dam.prompt".complete("dam.m", nil))
--- ```
---@param text string everything up to the cursor
---@param host table lists that the program gives
---@return string # kind
---@return integer # start
---@return table # candidates
function dam.prompt.complete(text, host) end

--- Statistics of measured series: means with errors, the jackknife, binning, autocorrelation times.
---@class dam.stats
dam.stats = {}

--- Mean and standard error of independent values.
---
--- Errors: on an empty list and on values that are no numbers
---
--- ```lua
--- print(dam.stats.mean { 1, 2, 6 })
--- ```
---@param x table|dam.array one-dimensional
---@return number # mean
---@return number # standard error of it (NaN for one value)
function dam.stats.mean(x) end

--- The jackknife: an estimate from samples, its standard error and its bias to first order, for any function of them, such as a ratio of means or a susceptibility.
---
--- Errors: on fewer than two samples and when f returns something else
---
--- ```lua
--- print(dam.stats.jackknife(function(s) return s[1] / s[2] end, { 1, 2, 4 }))
--- ```
---@param f function takes a list of samples, returns a number
---@param samples table|dam.array independent samples; the rows of a two-dimensional array are lists
---@return number # f of all samples
---@return number # standard error
---@return number # bias, to be subtracted where it matters
function dam.stats.jackknife(f, samples) end

---@class dam.stats.bootstrap.options
---@field resamples? integer how often to draw, >= 2 (default 1000)
---@field seed? integer the draws come from the engine's streams, so equal seeds give equal results everywhere (default 1)

--- The bootstrap: the spread of an estimate over samples drawn anew with replacement. Better than the jackknife for medians, quantiles and other estimates that are not smooth.
---
--- Errors: on fewer than two samples, when f returns something else, and on options not allowed
---
--- ```lua
--- print(dam.stats.bootstrap(function(s) return s[1] / s[2] end, { 1, 2, 4 }))
--- ```
---@param f function takes a list of samples, returns a number
---@param samples table|dam.array independent samples; the rows of a two-dimensional array are lists
---@param options? dam.stats.bootstrap.options
---@return number # f of all samples
---@return number # standard error
---@return number # lower end of the central 68.3 % of the estimates
---@return number # upper end
function dam.stats.bootstrap(f, samples, options) end

--- Binning analysis of a correlated series: the naive standard error of bins of 1, 2, 4, ... values grows with the bin until the bins are independent.
---
--- Errors: on shorter series and values that are no numbers
---
--- ```lua
--- b = dam.stats.binning(dam.linspace(0, 1, 64)); print(b.mean, b.error, b.tau)
--- ```
---@param x table|dam.array a time series, one-dimensional, 32 values or more
---@return table # `mean`; `levels`, a list of { bin =, count =, error =, uncertainty = }; `error`, the first level's error that the larger bins confirm within their uncertainty (the last level's, and `converged = false`, when none is); `tau`, the integrated autocorrelation time it implies, in steps of the series: error^2 / naive error^2 / 2, 0.5 for independent values
function dam.stats.binning(x) end

--- Integrated autocorrelation time tau = 1/2 + sum rho(t), cut at the first t >= window * tau (Sokal's automatic window), and what it means for the mean's error.
---
--- Errors: on shorter series, values that are no numbers, and a window that is not allowed
---
--- ```lua
--- c = dam.stats.autocorrelation(dam.linspace(0, 1, 64)); print(c.tau, c.error)
--- ```
---@param x table|dam.array a time series, one-dimensional, 4 values or more
---@param window? number how many tau to sum over, > 0
---@return table # `tau` in steps of the series, `tau_error` (Madras and Sokal), `cut`, `mean`, `error` of the mean with correlations, `effective`, the number of independent values
function dam.stats.autocorrelation(x, window) end

--- Specific heat per neuron, c = dE/dT/N = N (<e^2> - <e>^2)/T^2 with e = H/N, thermal averages in each disorder, then the mean over disorder. Replicas of a disorder are taken together, so that the variance between them counts (with one replica, c is too small by about 2 tau/n of itself, n steps of autocorrelation time tau).
---
--- Errors: when r is something else
---
--- ```lua
--- p = dam.patterns{ N = 24, M = 8, disorder = 4 }
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = p, T = { 0.2, 0.5 }, replicas = 2 }
--- s:run(200); print(dam.stats.specific_heat(s:sample(500)))
--- ```
---@param r dam.result of sampler:sample
---@return dam.array # c [T]
---@return dam.array # one standard error [T], jackknife over disorders; with one disorder and three replicas or more over replicas, which holds for chains that visit the same states; else NaN
function dam.stats.specific_heat(r) end

--- Susceptibility of the alignment to a field that favours the target (H - N h phi), chi = dphi/dh = N (<phi^2> - <phi>^2)/T, averaged and with errors as the specific heat.
---
--- Errors: when r is something else
---
--- ```lua
--- p = dam.patterns{ N = 24, M = 8, disorder = 4 }
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = p, T = { 0.2, 0.5 }, replicas = 2 }
--- s:run(200); print(dam.stats.susceptibility(s:sample(500)))
--- ```
---@param r dam.result of sampler:sample
---@return dam.array # chi [T]
---@return dam.array # one standard error [T], as of stats.specific_heat
function dam.stats.susceptibility(r) end

--- Sweeps: declare a map or a list of cells, see what it costs, run it, stop it, go on. Results go to one SQLite file; see `damlua -m status|export|verify|plot|merge`.
---@class dam.sweep
dam.sweep = {}

---@class dam.sweep.adaptive.options
---@field M [integer, integer] numbers of patterns at the lowest and the highest load, >= 2
---@field gamma? number exponent of the growth of M, > 0 (default 10)
---@field trials [integer, integer] trials at the lowest and at the highest load
---@field range? [number, number] loads {lo, hi} where M and trials are those given; default: the smallest and largest alpha of the sweep. Give it where alphas will be added later

--- The adaptive plan of B(5): M grows from M[1] at the lowest load to M[2] at the highest, as M = round((M1^(1/gamma) + t (M2^(1/gamma) - M1^(1/gamma)))^gamma), t = (alpha - lo)/(hi - lo); N = round(ln(M)/alpha); trials linear in t, disorder = trials // replicas.
---
--- Errors: on unknown options and values that are not allowed
---
--- Source: B(5)
---
--- ```lua
--- sweep = require "dam.sweep"
--- plan = sweep.adaptive{ M = {20000, 500000}, gamma = 10, trials = {512, 64} }
--- ```
---@param options dam.sweep.adaptive.options
---@return dam.plan
function dam.sweep.adaptive(options) end

---@class dam.sweep.fixed.options
---@field N? integer dimension, >= 2
---@field M? integer number of patterns, >= 1
---@field disorder? integer independent pattern sets at each load (default 1)

--- A plan with N or M the same at every load (the other follows from alpha), or both.
---
--- Errors: on unknown options and values that are not allowed
---
--- ```lua
--- plan = require "dam.sweep".fixed{ N = 50, disorder = 16 }
--- print(plan:table({ 0.1, 0.2 }, 2))
--- ```
---@param options dam.sweep.fixed.options N or M, or both
---@return dam.plan
function dam.sweep.fixed(options) end

---@class dam.sweep.run.options
---@field name string what the sweep is called, and its file
---@field hamiltonian? dam.hamiltonian map: dam.lse{}, dam.lsr{} or dam.polynomial{}
---@field alpha? number|number[]|dam.array map: loads ln(M)/N, > 0
---@field T? number|number[]|dam.array map: temperatures, > 0
---@field plan? dam.plan map: sweep.adaptive{} or sweep.fixed{}
---@field patterns? dam.patterns map: your own or drawn ones, all of their disorders, instead of alpha and plan
---@field replicas? integer map: chains per temperature and disorder (default 1)
---@field equilibrate? integer map: steps that are not measured (default 16384)
---@field sample? integer map: steps that are (default 4096)
---@field init? table|"cold"|"hot"|"support"|"exact" map: as dam.mh (default { phi = {0.75, 1} })
---@field step? number map: as dam.mh (default 2.4)
---@field cells? table generic: a list of values, each the name of its cell
---@field run? function generic: run(cell, ctx) returns a list of rows (tables); ctx.seed belongs to the cell alone
---@field seed? integer seed of all cells (default 1)
---@field file? string path of the result file; default NAME.sqlite
---@field memory? number|string map: bytes, or a text like "8G"; default three quarters of what is free, on a GPU what is free there less a sixteenth of the whole
---@field device? "auto"|"cpu"|"cuda"|"cuda-on-cpu"|string map: as dam.mh
---@field in_flight? integer map: on a GPU, the most units (of any alpha) that are worked on at a time; fewer where memory is short. On the CPU always one (default 4)
---@field evaluation? "auto"|"reference"|"active" map: as dam.mh (default "auto")
---@field dry_run? boolean print the plan and run nothing, as --dry-run (default false)
---@field fresh? boolean begin anew, as --fresh (default false)
---@field shard? string|table "i/n" or {i, n}, as --shard
---@field quiet? boolean no progress, as --quiet (default false)

--- Runs a sweep, or goes on with it: what is already in the result file is not computed again.
---
--- The map form takes `hamiltonian`, `T` and either `alpha` and `plan` or `patterns`. Raising the plan's disorder or adding T or alpha later computes only what is missing. The generic form takes `cells` and `run` instead.
---
--- Errors: on options that are not allowed, on a result file of another sweep (the difference is shown), on a file that cannot be written, and "interrupted" on Ctrl-C (what is done is saved)
---
--- Source: B(5)
---
--- ```lua
--- sweep = require "dam.sweep"
--- name = os.tmpname()
--- r = sweep.run{
---   name = "example", file = name, hamiltonian = dam.lse{ beta_net = 1 }, quiet = true,
---   alpha = {0.1, 0.2}, T = {0.1, 0.5}, plan = sweep.fixed{ N = 20, disorder = 2 },
---   equilibrate = 10, sample = 10,
--- }
--- print(r.computed)
--- os.remove(name)
--- ```
---@param options dam.sweep.run.options
---@return dam.sweep.result # with dry_run the planned rows instead
function dam.sweep.run(options) end

--- Doubles, row-major, indices from 1. `a[i]` reads and writes one dimension (reading `a[#a + 1]` gives nil, so that ipairs ends; any other index out of range is an error), `a(i, j)` and `a:set(v, i, j)` work in any; `#a` is the first length. + - * / ^ and unary minus work element by element between equal shapes and with numbers; `==` compares shapes and values (two NaN count as equal). Made by dam.array, dam.zeros, dam.linspace, dam.range and dam.load.
---
--- ```lua
--- a = dam.array{ { 1, 2, 3 }, { 4, 5, 6 } }
--- print(a.shape[2], a(2, 3), a * 2 + 1, a ^ 2 == a * a)
--- ```
---@class dam.array
---@field shape integer[] the lengths
---@field [integer] number
---@operator add(number|dam.array): dam.array
---@operator sub(number|dam.array): dam.array
---@operator mul(number|dam.array): dam.array
---@operator div(number|dam.array): dam.array
---@operator pow(number|dam.array): dam.array
---@operator unm: dam.array
---@operator len: integer
---@overload fun(i: integer, ...: integer): number
local array_ = {}

--- Releases the array's memory now instead of when the collector finds it. Using the array afterwards is an error; closing it again is not. `local a <close> = dam.zeros(n)` does it at the block's end.
---
--- ```lua
--- a = dam.zeros(1000); a:close()
--- ```
function array_:close() end

--- Sets an element.
---
--- Errors: on a value that is no number and indices out of range
---
--- ```lua
--- a = dam.zeros(2, 3); a:set(7, 2, 3)
--- ```
---@param v number the value
---@param i integer its first index
---@param ... integer its further indices, one per dimension
function array_:set(v, i, ...) end

--- Copies a part of an array.
---
--- Errors: on indices out of range and ranges that hold nothing
---
--- ```lua
--- a = dam.array{ { 1, 2, 3 }, { 4, 5, 6 } }; print(a:slice{ 1, { 2, 3 } })
--- ```
---@param box table one entry per dimension: a number fixes an index (the dimension disappears), a pair {first, last} keeps a range, nil and the dimensions after the last entry stay whole
---@return dam.array|number # a copy; a number when every index is fixed
function array_:slice(box) end

--- The values as nested tables.
---
--- ```lua
--- t = dam.array{ { 1, 2 }, { 3, 4 } }:totable(); print(t[2][1])
--- ```
---@return table
function array_:totable() end

--- A new array of f(x) for every element x.
---
--- Errors: when f raises or returns something else
---
--- ```lua
--- e = dam.linspace(0, 1, 3):map(math.exp)
--- ```
---@param f function takes a number and returns a number
---@return dam.array # of the same shape
function array_:map(f) end

--- The sum of all elements, or over one dimension. Sums are pairwise: their rounding error stays small for any length.
---
--- ```lua
--- a = dam.array{ { 1, 2 }, { 3, 4 } }; print(a:sum(), a:sum(1))
--- ```
---@param dim? integer the dimension to sum over
---@return number|dam.array # a number without `dim` and for one dimension, else an array of the others
function array_:sum(dim) end

--- The mean of all elements, or over one dimension.
---
--- ```lua
--- print(dam.array{ 1, 2, 6 }:mean())
--- ```
---@param dim? integer the dimension to average over
---@return number|dam.array # as in `sum`
function array_:mean(dim) end

--- The sample standard deviation (n - 1) of all elements, or over one dimension; NaN for n = 1.
---
--- ```lua
--- print(dam.array{ 1, 2, 6 }:std())
--- ```
---@param dim? integer the dimension to go over
---@return number|dam.array # as in `sum`
function array_:std(dim) end

--- The standard error of the mean, std/sqrt(n), of all elements or over one dimension; NaN for n = 1.
---
--- ```lua
--- print(dam.array{ 1, 2, 6 }:sem())
--- ```
---@param dim? integer the dimension to go over
---@return number|dam.array # as in `sum`
function array_:sem(dim) end

--- The smallest element of all, or over one dimension; NaN when there is a NaN.
---
--- ```lua
--- print(dam.array{ 3, 1, 2 }:min())
--- ```
---@param dim? integer the dimension to go over
---@return number|dam.array # as in `sum`
function array_:min(dim) end

--- The largest element of all, or over one dimension; NaN when there is a NaN.
---
--- ```lua
--- print(dam.array{ 3, 1, 2 }:max())
--- ```
---@param dim? integer the dimension to go over
---@return number|dam.array # as in `sum`
function array_:max(dim) end

--- Saves the array as an NPY file (float64, C order) that dam.load and numpy.load read. The file is complete or not there at all; an existing one is replaced.
---
--- Errors: naming the file and the reason when it cannot be written
---
--- ```lua
--- name = os.tmpname(); dam.zeros(2, 3):save(name); os.remove(name)
--- ```
---@param file string name of the file
function array_:save(file) end

--- Where the starts of dam.descend ended. Shapes are [disorder, replica], with a leading [n] for n sets of starts.
---
--- ```lua
--- p = dam.patterns{ N = 20, M = 8, disorder = 4 }
--- r = dam.descend{ hamiltonian = dam.lse(), patterns = p, path = true }
--- print(r.phi, r.converged:mean(), r.path.energy:slice{ 1, 1, { 1, 3 } })
--- ```
---@class dam.descent
---@field x dam.array states [disorder, replica, N]
---@field phi dam.array alignment with the target
---@field energy dam.array H, extensive
---@field energy_start dam.array H of the start
---@field steps dam.array steps taken
---@field converged dam.array 1 or 0
---@field pattern dam.array index of the most aligned pattern
---@field phi_pattern dam.array alignment with it
---@field rule string "update" or "gradient"
---@field path? table path.energy and path.phi [disorder, replica, max_steps + 1] when asked for, the last value repeated
local descent_ = {}

--- Releases what the descent holds. Using it afterwards is an error; closing it again is not.
---
--- ```lua
--- p = dam.patterns{ N = 20, M = 8 }
--- dam.descend{ hamiltonian = dam.lse(), patterns = p }:close()
--- ```
function descent_:close() end

--- The descent as a table: one row per start.
---
--- ```lua
--- p = dam.patterns{ N = 24, M = 8, disorder = 4 }
--- print(dam.descend{ hamiltonian = dam.lse(), patterns = p, init = { phi = 0.8 } }:table())
--- ```
---@return table # rows with set (where several sets of states were given), disorder and replica (places in the pattern set and among the replicas), phi, energy (H), steps, converged, pattern (the most aligned one) and phi_pattern. It prints aligned, `:csv()` is its CSV text, `:column "phi"` one column
function descent_:table() end

--- A Hamiltonian: a kernel and its parameters; made by dam.lse, dam.lsr and dam.polynomial. Parameters that the kernel does not have are nil.
---
--- ```lua
--- H = dam.lsr{ b = 3.41 }
--- print(H.kernel, H.b, H.k)
--- ```
---@class dam.hamiltonian
---@field kernel string "lse", "lsr" or "polynomial"
---@field beta_net? number inverse variance of the kernel; nil for LSR made by b
---@field b? number sharpness of LSR; nil when it was made by beta_net
---@field epsilon? number floor of the LSR kernel
---@field k? integer degree of the polynomial
local hamiltonian_ = {}

--- The gradient dH/dx of the extensive energy in the space around the sphere, in double precision: minus the sum of the patterns with the weights softmax(N beta_net phi) (LSE), 1/sum max(...) for those in support (LSR), or k phi^(k-1) (polynomial).
---
--- Errors: when x has another shape; "interrupted" after Ctrl-C
---
--- Source: A(1), A(3), A(7)
---
--- ```lua
--- p = dam.patterns{ N = 8, M = 4 }; print(dam.lse():gradient(p, p:array(1):slice{ 1 }))
--- ```
---@param p dam.patterns
---@param x dam.array a state [N] or states [n, N]
---@return dam.array # [disorder, N], or [disorder, n, N] for several states; nan where an LSR state lies outside of every support
function hamiltonian_:gradient(p, x) end

--- Closes the Hamiltonian: using it afterwards is an error, closing it again is not. Samplers made with it keep their own copy.
---
--- ```lua
--- H = dam.lse(); H:close()
--- ```
function hamiltonian_:close() end

--- Energy density of a single basin, in which only the pattern aligned by phi counts: 1 - phi (LSE), -(1/b) ln max(epsilon, 1 - b (1 - phi)) (LSR; inf outside the support), -phi^k (polynomial).
---
--- Errors: when phi is not a number or array, or lies outside [-1, 1]; for LSR made by beta_net, whose b depends on N
---
--- Source: A(13), A(14)
---
--- ```lua
--- print(dam.lsr{ b = 3.41 }:u(0.9))
--- ```
---@param phi number|dam.array alignment in [-1, 1]
---@return number|dam.array # energy density, of the shape of phi
function hamiltonian_:u(phi) end

--- Extensive energies H of states, in double precision.
---
--- Errors: when x has another shape
---
--- Source: A(1), A(3), A(7)
---
--- ```lua
--- p = dam.patterns{ N = 8, M = 4 }; print(dam.lse():energy(p, p:array(1):slice{ 1 }))
--- ```
---@param p dam.patterns
---@param x dam.array a state [N] or states [n, N] (on the sphere x.x = N: H is evaluated from the alignments x.xi/N)
---@return dam.array # [disorder], or [disorder, n] for several states; inf where an LSR state lies outside of every support
function hamiltonian_:energy(p, x) end

--- A pattern set, made by dam.patterns; `#p` is M.
---
--- ```lua
--- p = dam.patterns{ N = 50, alpha = 0.1, disorder = 16, seed = 7 }
--- print(#p, p.N, p.alpha, p:fingerprint())
--- ```
---@class dam.patterns
---@field N integer dimension
---@field M integer number of patterns
---@field alpha number the realised load ln(M)/N
---@field disorder integer number of disorders
---@field first_disorder integer number of the first disorder
---@field seed? integer seed of the draws; nil for your own data
---@field rescaled? integer how many rows of your own data were off the sphere
---@field repeated? integer how many rows of your own data equal an earlier one of their set: that is legal, patterns:duplicates() lists them
---@operator len: integer
local patterns_ = {}

--- Releases what the set holds. Using it afterwards is an error; closing it again is not. Samplers made with it go on.
---
--- ```lua
--- p = dam.patterns{ N = 8, M = 4 }; p:close()
--- ```
function patterns_:close() end

--- Alignments phi^mu = x.xi^mu/N of states with all patterns.
---
--- Errors: when x has another shape; when the result does not fit into memory
---
--- Source: A(8), B(4)
---
--- ```lua
--- p = dam.patterns{ N = 8, M = 4 }; print(p:overlap(p:array(1):slice{ 1 }))
--- ```
---@param x dam.array a state [N] or states [n, N]
---@return dam.array # [disorder, M], or [disorder, n, M] for several states
function patterns_:overlap(x) end

--- The Gram matrix G = xi^mu.xi^nu/N of one disorder.
---
--- Errors: when d is out of range, or the matrix does not fit into memory
---
--- Source: A(15)
---
--- ```lua
--- print(dam.patterns{ N = 8, M = 4 }:gram(1))
--- ```
---@param d? integer place of the disorder in this set
---@return dam.array # [M, M]
function patterns_:gram(d) end

--- The patterns of one disorder.
---
--- Errors: when d is out of range, or the array does not fit into memory
---
--- ```lua
--- xi = dam.patterns{ N = 8, M = 4 }:array(1)
--- ```
---@param d? integer place of the disorder in this set
---@return dam.array # [M, N]; every number is a single-precision one
function patterns_:array(d) end

--- Patterns that are equal to others of one disorder, to the last digit of single precision.
---
--- Errors: when d is out of range; "interrupted" after Ctrl-C
---
--- ```lua
--- xi = dam.patterns{ N = 8, M = 4 }:array(1)
--- p = dam.patterns{ from = dam.array{ xi:slice{1}:totable(), xi:slice{1}:totable() } }
--- print(#p:duplicates(), p.repeated)
--- ```
---@param d? integer place of the disorder in this set
---@return table # list of groups, each the ascending list of the indices of equal patterns; empty when all differ
function patterns_:duplicates(d) end

--- Some of the disorders, as a pattern set of their own: its chains are those of the whole set.
---
--- Errors: when there are no such disorders
---
--- ```lua
--- p = dam.patterns{ N = 8, M = 4, disorder = 6 }:part(3, 2); print(p.first_disorder)
--- ```
---@param first integer place of the first disorder
---@param count? integer how many
---@return dam.patterns # of `count` disorders; the numbers of your own data are shared, not copied
function patterns_:part(first, count) end

--- A hash of what the patterns are, by which results of the same ones are known: of drawn patterns N, M, the seed and the number of the first disorder, not how many disorders there are; of your own data all numbers and targets.
---
--- ```lua
--- print(dam.patterns{ N = 8, M = 4 }:fingerprint())
--- ```
---@return string # 16 hexadecimal digits
function patterns_:fingerprint() end

---@class dam.result.stats
---@field patterns_per_step number[] patterns evaluated per step of a chain
---@field rebuilds number[] lists of near patterns made, per chain
---@field list_size number[] mean length of the lists in use; 0 without any
---@field unsure table[] by tier ("active", "coarse", "single"): fraction of the proposals given to it that it left undecided
---@field by_tier table[] by tier, "reference" included: patterns evaluated by it per step

--- What a sample measured; made by sampler:sample and sampler:finish. Averages are over the steps of the sample, per chain.
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- r = s:sample(64, { every = 8, series = {"phi"} })
--- print(r.phi, r.series.phi, r.digest)
--- ```
---@class dam.result
---@field T dam.array temperatures [T]
---@field phi dam.array alignment with the target [T, disorder, replica]
---@field phi2 dam.array its square [T, disorder, replica]
---@field energy_density dam.array H/N [T, disorder, replica], certified to 1e-6
---@field energy2 dam.array the square of H/N [T, disorder, replica]
---@field acceptance dam.array accepted proposals per step [T, disorder, replica]
---@field phi_max_other dam.array largest alignment with another pattern, in the last state [T, disorder, replica]; nan when M = 1
---@field q12? dam.array x_a.x_b/N of two replicas at equal steps, mean over pairs [T, disorder]; nil with one replica
---@field digest string 16 hexadecimal digits, equal where all decisions and states are
---@field N integer dimension
---@field M integer number of patterns
---@field steps integer steps of the sample
---@field stats dam.result.stats where the work went, by index of T
---@field every? integer steps of a block, where something was recorded
---@field series? table series.phi, series.energy_density [T, disorder, replica, n/every] and series.q12 [T, disorder, n/every], as asked for
---@field histogram? table histogram.NAME [T, disorder, replica, bins] with NAME_below and NAME_above [T, disorder, replica], together n for each chain
---@field track? dam.array alignments with the tracked patterns at the end of each block [T, disorder, replica, n/every, patterns]
local result_ = {}

--- Releases what the result holds. Using it afterwards is an error; closing it again is not.
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- s:sample(10):close()
--- ```
function result_:close() end

--- Digest of one chain: a hash of all its decisions since it was made and of its state after the sample.
---
--- Errors: when an index is out of range
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- print(s:sample(10):chain_digest(1, 1, 1))
--- ```
---@param t integer index of the temperature
---@param d integer place of the disorder
---@param a integer place of the replica
---@return string # 16 hexadecimal digits
function result_:chain_digest(t, d, a) end

--- The result as a table: one row per temperature, in the order of the sampler's T.
---
--- ```lua
--- H = dam.lse{ beta_net = 1 }; p = dam.patterns{ N = 24, M = 8, disorder = 4 }
--- s = dam.mh{ hamiltonian = H, patterns = p, T = { 0.1, 0.5 } }
--- print(s:sample(200):table())
--- ```
---@return table # rows with T, phi, phi_err, q12, q12_err (absent with one replica), energy_density, energy_density_err and acceptance. Each is a mean over disorder; the errors are one standard error of it, replicas of a disorder averaged first (NaN with one disorder). It prints aligned, `:csv()` is its CSV text, `:column "phi"` one column
function result_:table() end

--- The fraction of chains, over disorders and replicas, whose time-averaged alignment with the target is at least the threshold.
---
--- Errors: when the threshold is not a number
---
--- ```lua
--- H = dam.lse{ beta_net = 1 }; p = dam.patterns{ N = 24, M = 8, disorder = 4 }
--- s = dam.mh{ hamiltonian = H, patterns = p, T = { 0.1, 0.5 } }
--- print(s:sample(200):retained(0.7))
--- ```
---@param threshold? number
---@return dam.array # [T]
function result_:retained(threshold) end

--- Chains that a Metropolis-Hastings walk moves over the sphere, all at the same step; made by dam.mh or dam.load.
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- print(s, s.device, s.steps)
--- ```
---@class dam.sampler
---@field device string what it runs on: "cpu", "cuda:0", "cuda-on-cpu"
---@field isa string instruction set of the CPU's inner loops: "scalar", "avx2", "avx512"
---@field steps integer steps done since the sampler was made
---@field T dam.array temperatures [T]
---@field N integer dimension
---@field M integer number of patterns
---@field disorder integer number of disorders
---@field first_disorder integer number of the first disorder
---@field replicas integer chains per temperature and disorder
---@field first_replica integer number of the first replica
---@field seed integer seed of the chains
---@field step number width of a proposal: sigma = step T/sqrt(N)
local sampler_ = {}

--- Releases the sampler's memory now instead of when the collector finds it. Using the sampler afterwards is an error; closing it again is not. `local s <close> = dam.mh{...}` does it at the block's end.
---
--- Errors: when called by its own observer
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- s:close()
--- ```
function sampler_:close() end

--- Advances all chains by n steps without measuring.
---
--- Errors: "interrupted" after Ctrl-C (every chain is at a completed step; sampler:finish completes the run); when an interrupted run or sample waits
---
--- Source: B(7)
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- s:run(100)
--- ```
---@param n integer steps, 1 or more
---@return dam.sampler # itself
function sampler_:run(n) end

---@class dam.sampler.sample.options
---@field every? integer steps of a block; divides n (default 1)
---@field series? ("phi"|"energy_density"|"q12")[] time series of the means over each block, so that the mean of a series is the average of the sample
---@field histogram? table such as { phi = {-1, 1, 200} }: low, high, bins, for the names of series; counts of all n steps; values within 1e-6 outside of an end count in its bin
---@field track? integer[] indices of patterns: alignments with them at the end of each block (track = {1}: the alignment with a drawn target at single steps)
---@field observe? function called once per block, all chains at the same step, with a view of the states now

--- Advances all chains by n steps and measures after each. No option changes a digest or a measured value.
---
--- Errors: "interrupted" after Ctrl-C (sampler:finish completes the sample and returns the result); what observe raises, the sample then waiting in the same way at the end of that block; when every does not divide n; when the record does not fit into memory; when an interrupted run or sample waits
---
--- Source: B(4), A(8)
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- print(s:sample(100):table())
--- r = s:sample(64, { every = 8, series = {"phi"}, histogram = { phi = {-1, 1, 20} }, track = {2, 5},
---   observe = function(view) print(view.step, view.phi(1, 1, 1)) end })
--- ```
---@param n integer steps, 1 or more
---@param options? dam.sampler.sample.options what to record beside the averages
---@return dam.result
function sampler_:sample(n, options) end

---@class dam.sampler.finish.options
---@field observe? function called with a view after each block of the sample that no observer has seen; without it nobody observes the rest (see sampler:sample)

--- Completes an interrupted run or sample. What a sample records goes on where it stopped.
---
--- Errors: "interrupted" when interrupted again; what observe raises; when observe is given to a run, or to a sample that was begun without any option
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- s:finish() -- nothing was interrupted: nothing is done
--- ```
---@param options? dam.sampler.finish.options
---@return dam.result|dam.sampler # the result of an interrupted sample; otherwise the sampler itself
function sampler_:finish(options) end

--- The states of all chains.
---
--- Errors: when the array does not fit into memory
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- x = s:state()
--- ```
---@return dam.array # [T, disorder, replica, N]; every number is a single-precision one
function sampler_:state() end

--- Puts all chains into given states; step counters and decisions so far are kept.
---
--- Errors: naming the chain when a state is off the sphere or out of every LSR support (nothing is changed then); while an interrupted run or sample waits
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- s:set_state(s:state())
--- ```
---@param x dam.array [T, disorder, replica, N], on the sphere x.x = N (to 1e-5); kept in single precision
---@return dam.sampler # itself
function sampler_:set_state(x) end

--- The same chains at new temperatures: states, step counters and decisions are kept (annealing, hysteresis).
---
--- Errors: when the number of temperatures differs, or one is not > 0; while an interrupted run or sample waits
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- s:set_T(0.4)
--- ```
---@param T number|table|dam.array as many temperatures as before
---@return dam.sampler # itself
function sampler_:set_T(T) end

--- Saves the sampler to a file, to the bit: options, patterns (how they are drawn, or your data), states, step counters, an interrupted sample. dam.load reads it back.
---
--- Errors: naming the file when it cannot be written
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- name = os.tmpname(); s:save(name); s = dam.load(name); os.remove(name)
--- ```
---@param file string name of the file; an existing one is replaced
---@return dam.sampler # itself
function sampler_:save(file) end

--- The analytic theory of a Hamiltonian, made by dam.theory. Its methods take numbers, arrays or lists of numbers (shapes are matched from the last dimension, a length of 1 repeats) and return the like. Outside a formula's domain they return nil and the reason, never NaN; for an array the reason names the first such element.
---
--- ```lua
--- th = dam.theory(dam.lse(), { law = "exact" })
--- print(th.law, th:phi{ 0.1, 0.5, 1 }, th:alpha_c(0.5))
--- ```
---@class dam.theory
---@field law string "paper" or "exact"
---@field floor string "A39" or "A30"
---@field which string "depth", "spinodal" or "global"
---@field hamiltonian dam.hamiltonian
local theory_ = {}

---@class dam.theory.u.options
---@field N? number dimension that makes b = N beta_net of dam.lsr{ beta_net = }

--- Energy density of a single basin at alignment phi: 1 - phi for LSE, -(1/b) ln(1 - b (1 - phi)) for LSR, -phi^k for the polynomial.
---
--- Source: A(13), A(14), A(1)
---
--- ```lua
--- print(dam.theory(dam.lsr{ b = 3.41 }):u(0.9))
--- ```
---@param phi number|dam.array alignment, -1 to 1
---@param options? dam.theory.u.options
---@return number|dam.array # energy per neuron; nil and the reason outside the support of LSR
function theory_:u(phi, options) end

---@class dam.theory.phi.options
---@field N? number dimension that makes b = N beta_net of dam.lsr{ beta_net = }

--- Equilibrium alignment of a single basin as N -> infinity: the retrieval minimum of f(phi, phi^2, T). Closed forms for LSE and LSR; the root of k phi^(k-2) (1 - phi^2) = T for the polynomial, which ends at a spinodal temperature. Independent of beta_net for LSE.
---
--- Source: A(33), A(36), A(37), A(1)
---
--- ```lua
--- print(dam.theory(dam.lse()):phi(0.5))
--- ```
---@param T number|dam.array temperature, >= 0
---@param options? dam.theory.phi.options
---@return number|dam.array # alignment; nil and the reason outside the domain
function theory_:phi(T, options) end

---@class dam.theory.f_ret.options
---@field N? number dimension that makes b = N beta_net of dam.lsr{ beta_net = }

--- Retrieval free energy per neuron, u(phi(T)) - (T/2) ln(1 - phi(T)^2).
---
--- Source: A(34), A(22)
---
--- ```lua
--- print(dam.theory(dam.lse()):f_ret{ 0.1, 0.2, 0.5 })
--- ```
---@param T number|dam.array temperature, >= 0
---@param options? dam.theory.f_ret.options
---@return number|dam.array # free energy per neuron; nil and the reason outside the domain
function theory_:f_ret(T, options) end

---@class dam.theory.f.options
---@field N? number dimension that makes b = N beta_net of dam.lsr{ beta_net = }

--- Replica free energy per neuron f(phi, q, T) = u(phi) - T s(phi, q). Its stationary point has q = phi^2, where f is a minimum in phi and a maximum in q (A's text says otherwise of s; see docs/physics.md).
---
--- Source: A(12), A(21), A(32)
---
--- ```lua
--- print(dam.theory(dam.lse()):f(0.8, 0.64, 0.5))
--- ```
---@param phi number|dam.array alignment, -1 to 1
---@param q number|dam.array overlap of two replicas, -1 <= q < 1
---@param T number|dam.array temperature, >= 0
---@param options? dam.theory.f.options
---@return number|dam.array # free energy per neuron; nil and the reason outside the domain
function theory_:f(phi, q, T, options) end

--- Noise floor: the energy per neuron that the exp(alpha N) other patterns leave to a state near none of them. The second result names the regime: "spin-glass" (the nearest spurious pattern decides), "paramagnetic" (a saddle point decides) or, with N, "annealed" (the mean kernel weight under the exact density; typical only for alpha > alpha*).
---
--- Source: A(26), A(27), A(30), A(31)
---
--- ```lua
--- print(dam.theory(dam.lse()):u_noise(0.1))
--- ```
---@param alpha number|dam.array load ln(M)/N, >= 0
---@param N? number|dam.array|table dimension, >= 2, or `{ N = }`: the finite-N floor, law "exact". With law "paper" N is allowed only to make b of dam.lsr{ beta_net = }
---@return number|dam.array # energy per neuron; nil and the reason where there is no floor (LSR below alpha_th, the polynomial)
---@return string|table # regime, in nested lists when the first result is an array
function theory_:u_noise(alpha, N) end

---@class dam.theory.alpha_th.options
---@field N? number dimension that makes b = N beta_net of dam.lsr{ beta_net = }

--- Support threshold of LSR: below this load no random pattern reaches the support. 0 for b <= 1.
---
--- Source: A(28), A(38)
---
--- ```lua
--- print(dam.theory(dam.lsr{ b = 3.41 }):alpha_th())
--- ```
---@param options? dam.theory.alpha_th.options
---@return number # load; nil and the reason for kernels of infinite support
function theory_:alpha_th(options) end

--- LSR: expected number of the exp(alpha N) random patterns inside the support of one state, phi > 1 - 1/b. By law: alignments Gaussian with variance 1/N ("paper", as in B) or uniform on the sphere ("exact").
---
--- Source: B, sections 2 and 3
---
--- ```lua
--- print(dam.theory(dam.lsr{ b = 3.41 }, { law = "exact" }):patterns_in_support(0.3, 50))
--- ```
---@param alpha number|dam.array load, >= 0
---@param N number|dam.array dimension, >= 2
---@return number|dam.array # expected number; math.huge where it overflows; nil and the reason for kernels of infinite support
---@return number|dam.array # its natural logarithm
function theory_:patterns_in_support(alpha, N) end

---@class dam.theory.alpha_c.options
---@field floor? "A39"|"A30" LSR, law "paper": the floor of LSE (exists for f_ret <= 1), or LSR's own (default "A39")
---@field which? "depth"|"spinodal"|"global" LSE, law "exact": f_ret = u_noise; where the target basin vanishes; all M basins counted (default "depth")
---@field N? number law "exact": the boundary against the annealed floor in N dimensions; for dam.lsr{ beta_net = } it makes b = N beta_net

--- Critical load: the largest alpha at which retrieval is stable at T.
---
--- Source: A(35), A(39), A(22)
---
--- ```lua
--- print(dam.theory(dam.lse(), { law = "exact" }):alpha_c(0.5, { which = "global" }))
--- ```
---@param T number|dam.array temperature, >= 0
---@param options? dam.theory.alpha_c.options defaults are those given to dam.theory
---@return number|dam.array # load; nil and the reason where no boundary exists
function theory_:alpha_c(T, options) end

---@class dam.theory.T_c.options
---@field floor? "A39"|"A30" LSR, law "paper": the floor of LSE (exists for f_ret <= 1), or LSR's own (default "A39")
---@field which? "depth"|"spinodal"|"global" LSE, law "exact": f_ret = u_noise; where the target basin vanishes; all M basins counted (default "depth")
---@field N? number law "exact": the boundary against the annealed floor in N dimensions; for dam.lsr{ beta_net = } it makes b = N beta_net

--- Critical temperature: the inverse of alpha_c(T).
---
--- Source: A(22), A(35), A(39)
---
--- ```lua
--- print(dam.theory(dam.lse()):T_c(0.1))
--- ```
---@param alpha number|dam.array load, >= 0
---@param options? dam.theory.T_c.options as for theory:alpha_c
---@return number|dam.array # temperature; math.huge where retrieval holds at every T (LSR below alpha_th); nil and the reason where it holds at none
function theory_:T_c(alpha, options) end

---@class dam.theory.T_max.options
---@field floor? "A39"|"A30" LSR, law "paper": the floor of LSE (exists for f_ret <= 1), or LSR's own (default "A39")
---@field N? number dimension that makes b = N beta_net of dam.lsr{ beta_net = }

--- LSR, law "paper", floor "A39": where the critical line meets the support threshold, alpha_c(T_max) = alpha_th.
---
--- Source: A, section 4.3 and Fig. 1
---
--- ```lua
--- print(dam.theory(dam.lsr{ b = 3.41 }):T_max())
--- ```
---@param options? dam.theory.T_max.options as for theory:alpha_c
---@return number # temperature; nil and the reason where there is none
function theory_:T_max(options) end

---@class dam.theory.phase.options
---@field floor? "A39"|"A30" LSR, law "paper": the floor of LSE (exists for f_ret <= 1), or LSR's own (default "A39")
---@field which? "depth"|"spinodal"|"global" LSE, law "exact": f_ret = u_noise; where the target basin vanishes; all M basins counted (default "depth")
---@field N? number law "exact": the boundary against the annealed floor in N dimensions; for dam.lsr{ beta_net = } it makes b = N beta_net

--- Phase at a point of the plane as in A, Fig. 1: "retrieval" below the boundary (LSR: also for alpha < alpha_th), else "spin-glass" up to alpha = 1/2 and "paramagnetic" beyond.
---
--- Source: A(22), A, Fig. 1
---
--- ```lua
--- print(dam.theory(dam.lse()):phase(0.1, 0.5))
--- ```
---@param alpha number|dam.array load, >= 0
---@param T number|dam.array temperature, >= 0
---@param options? dam.theory.phase.options as for theory:alpha_c
---@return string|table # phase, in nested lists for arrays; nil and the reason outside the domain
function theory_:phase(alpha, T, options) end

--- Mean alignment in a single basin at temperature T in N dimensions. The density of states is the law's: exponent (N-2)/2 of B(9) or (N-3)/2, the sphere's own. For the polynomial with even k the integral runs over both wells and the mean is 0.
---
--- Source: B(8), B(9)
---
--- ```lua
--- print(dam.theory(dam.lse(), { law = "exact" }):phi_boltzmann(0.5, 50))
--- ```
---@param T number|dam.array temperature, >= 0
---@param N number|dam.array dimension, >= 2
---@return number|dam.array # mean alignment, relative error below 1e-10; nil and the reason outside the domain
function theory_:phi_boltzmann(T, N) end

--- Variance of the alignment in a single basin at temperature T in N dimensions.
---
--- Source: B(8), B(9)
---
--- ```lua
--- print(dam.theory(dam.lse(), { law = "exact" }):phi_variance(0.5, 50))
--- ```
---@param T number|dam.array temperature, >= 0
---@param N number|dam.array dimension, >= 2
---@return number|dam.array # variance of phi; nil and the reason outside the domain
function theory_:phi_variance(T, N) end

--- Mean energy per neuron in a single basin at temperature T in N dimensions.
---
--- Source: B(8), B(9)
---
--- ```lua
--- print(dam.theory(dam.lsr{ b = 3.41 }, { law = "exact" }):u_boltzmann(0.5, 50))
--- ```
---@param T number|dam.array temperature, >= 0
---@param N number|dam.array dimension, >= 2
---@return number|dam.array # mean of u; nil and the reason outside the domain
function theory_:u_boltzmann(T, N) end

--- Variance of the energy per neuron in a single basin at temperature T in N dimensions; N/T^2 times it is the heat capacity per neuron.
---
--- Source: B(8), B(9)
---
--- ```lua
--- print(dam.theory(dam.lse(), { law = "exact" }):u_variance(0.5, 50))
--- ```
---@param T number|dam.array temperature, >= 0
---@param N number|dam.array dimension, >= 2
---@return number|dam.array # variance of u; nil and the reason outside the domain
function theory_:u_variance(T, N) end

--- Probability density of the alignment in a single basin, normalised over -1 <= phi <= 1.
---
--- Source: B(8), B(9)
---
--- ```lua
--- print(dam.theory(dam.lse(), { law = "exact" }):phi_density(dam.linspace(-1, 1, 201), 0.5,
--- 50))
--- ```
---@param phi number|dam.array alignment, -1 to 1
---@param T number|dam.array temperature, > 0
---@param N number|dam.array dimension, >= 2
---@return number|dam.array # density: 0 outside the support, math.huge at phi = +-1 for N = 2 with law "exact"; nil and the reason outside the domain
function theory_:phi_density(phi, T, N) end

--- Load of M patterns in N dimensions, in the unit of this Hamiltonian: ln(M)/N for LSE and LSR, M/N^(k-1) for the polynomial.
---
--- Source: A, sections 1 and 2
---
--- ```lua
--- print(dam.theory(dam.polynomial{ k = 2 }):load(14, 100))
--- ```
---@param M number|dam.array number of patterns, >= 1
---@param N number|dam.array dimension, >= 2
---@return number|dam.array # load; nil and the reason outside the domain
function theory_:load(M, N) end

--- Closes the theory: using it afterwards is an error, closing it again is not.
---
--- ```lua
--- th = dam.theory(dam.lse()); th:close()
--- ```
function theory_:close() end

--- What an observer sees of all chains at the end of a block (`observe` of sampler:sample). A field is fetched when it is read; the view ends with the call, arrays taken from it stay.
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- s:sample(64, { every = 32, observe = function(view) print(view.step, view.x:max()) end })
--- ```
---@class dam.view
---@field x dam.array states [T, disorder, replica, N]
---@field phi dam.array alignment with the target [T, disorder, replica]
---@field energy_density dam.array H/N [T, disorder, replica]
---@field q12? dam.array x_a.x_b/N, mean over pairs of replicas [T, disorder]; nil with one replica
---@field step integer steps done since the sampler was made
local view_ = {}

--- Ends the view before its call does: reading it afterwards is an error, closing it again is not.
---
--- ```lua
--- s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
--- s:sample(8, { every = 8, observe = function(view) view:close() end })
--- ```
function view_:close() end

--- Rows that print as an aligned table: result:table(), descent:table() and format.table make them. `t[i].phi` is a value.
---
--- ```lua
--- t = dam.format.table({ { T = 0.1, phi = 0.95 } }, { "T", "phi" })
--- print(t, t[1].phi)
--- ```
---@class dam.table
local table_ = {}

--- The table as CSV text: a line of names, then the rows; numbers with %.17g, so that they read back exactly; missing values are empty.
---
--- ```lua
--- print(dam.format.table({ { T = 0.1, phi = 0.95 } }, { "T", "phi" }):csv())
--- ```
---@return string
function table_:csv() end

--- One column as a list; NaN where a row has no number.
---
--- Errors: on unknown names
---
--- ```lua
--- x = dam.format.table({ { T = 0.1 }, { T = 0.2 } }, { "T" }):column "T"
--- ```
---@param name string the column's name
---@return table # list of numbers, one per row
function table_:column(name) end

--- What sweep.run leaves: the result file and what reads it.
---
--- ```lua
--- sweep = require "dam.sweep"
--- name = os.tmpname()
--- r = sweep.run{ name = "example", file = name, quiet = true, cells = { 1, 2 },
---   run = function(cell) return { { square = cell ^ 2 } } end }
--- print(r, r.computed)
--- os.remove(name)
--- ```
---@class dam.sweep.result
---@field file string path of the result file
---@field computed integer rows or cells computed by this run; others were there already
local sweep_result_ = {}

--- Writes the rows of the result file as CSV, NPZ or JSON, by the ending; a missing folder is an error.
---
--- Errors: when it cannot be written
---
--- ```lua
--- sweep = require "dam.sweep"
--- name = os.tmpname()
--- r = sweep.run{ name = "example", file = name, hamiltonian = dam.lse(), quiet = true,
---   alpha = 0.2, T = { 0.1, 0.5 }, plan = sweep.fixed{ N = 12, disorder = 2 },
---   equilibrate = 10, sample = 10 }
--- r:export(name .. ".csv")
--- os.remove(name); os.remove(name .. ".csv")
--- ```
---@param out string file name
---@return string # its name
function sweep_result_:export(out) end

--- Draws the figures of a map: phi over (alpha, T) as `out`, cuts, residual and q12 beside it.
---
--- Errors: when gnuplot is missing or a file cannot be written
---
--- ```lua
--- sweep = require "dam.sweep"
--- name = os.tmpname()
--- r = sweep.run{ name = "example", file = name, hamiltonian = dam.lse(), quiet = true,
---   alpha = 0.2, T = { 0.1, 0.5 }, plan = sweep.fixed{ N = 12, disorder = 2 },
---   equilibrate = 10, sample = 10 }
--- for _, made in ipairs(r:plot(name .. ".png", "map")) do os.remove(made) end
--- os.remove(name)
--- ```
---@param out string file name ending in .png, .svg or .pdf
---@param only? "map"|"cuts"|"residual"|"q12" this one alone, as `out`
---@return table # names of the files made
function sweep_result_:plot(out, only) end

--- The points of a map, sorted by alpha and T.
---
--- Errors: when the file is gone or damaged
---
--- ```lua
--- sweep = require "dam.sweep"
--- name = os.tmpname()
--- r = sweep.run{ name = "example", file = name, hamiltonian = dam.lse(), quiet = true,
---   alpha = 0.2, T = { 0.1, 0.5 }, plan = sweep.fixed{ N = 12, disorder = 2 },
---   equilibrate = 10, sample = 10 }
--- for _, point in ipairs(r:points()) do print(point.T, point.phi, point.phi_err) end
--- os.remove(name)
--- ```
---@return table # list of tables with alpha, T, N, M, realised_alpha, disorder (those done), asked (those planned), phi, q12, acceptance, phi_max_other, and phi_err, q12_err, acceptance_err, phi_max_other_err (one standard error over disorder)
function sweep_result_:points() end

--- Which N, M and how many disorders belong to a load; made by sweep.adaptive and sweep.fixed.
---
--- Source: B(5)
---
--- ```lua
--- plan = require "dam.sweep".fixed{ N = 50, disorder = 16 }
--- print(plan)
--- ```
---@class dam.plan
local plan_ = {}

--- The rows of the rule as a table that prints: alpha, N, M, realised_alpha, disorder, memory (bytes of patterns held at once where memory= allows).
---
--- Errors: where no alpha is known
---
--- Source: B(5)
---
--- ```lua
--- sweep = require "dam.sweep"
--- plan = sweep.adaptive{ M = {20000, 500000}, gamma = 10, trials = {512, 64} }
--- print(plan:table({0.01, 0.25, 0.55}, 2))
--- ```
---@param alpha? any loads, as in sweep.run; default: those of the last sweep.run with this plan
---@param replicas? integer default 1, or that of the last sweep.run with this plan
---@return table # list of rows
function plan_:table(alpha, replicas) end

--- The documentation at hand; a global of damlua.
---@param topic? any a name, words to look for, or a value
function help(topic) end

return dam
