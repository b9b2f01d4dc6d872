/*
Routeval routes prompt data sets in bulk between a strong and a weak language
model and measures what the routing costs and keeps.

# The idea

A strong model answers every prompt well and is dear; a weak one is cheap and
good enough for many. A router estimates for each prompt the win rate: the
probability that the strong model's answer beats the weak one's. A prompt whose
win rate is at least the threshold goes to the strong model.

A run is a directory with a manifest that never changes and a journal that only
grows. Commands talk to each other through those files: run writes them; report,
sweep, calibrate, train and grade read them, any time later, without a call to the
models that were routed between.

# A run, step by step

Prompts are rows of JSONL or Parquet. These four came with recorded outcomes of
two models, so nobody has to be called:

	-- prompts.jsonl --
	{"id":"a","prompt":"What is 2+2?","reference":"4","outcomes":{"big":{"answer":"4","prompt_tokens":7,"completion_tokens":1},"small":{"answer":"4","prompt_tokens":7,"completion_tokens":1}}}
	{"id":"b","prompt":"What is 17*23?","reference":"391","outcomes":{"big":{"answer":"391","prompt_tokens":8,"completion_tokens":1},"small":{"answer":"381","prompt_tokens":8,"completion_tokens":1}}}
	{"id":"c","prompt":"What is 3-5?","reference":"-2","outcomes":{"big":{"answer":"-2","prompt_tokens":7,"completion_tokens":1},"small":{"answer":"-2","prompt_tokens":7,"completion_tokens":1}}}
	{"id":"d","prompt":"What is 91/7?","reference":"13","outcomes":{"big":{"answer":"13","prompt_tokens":8,"completion_tokens":1},"small":{"answer":"12","prompt_tokens":8,"completion_tokens":1}}}

The spec says what to do with them. Flags override its fields, --set any of
them; the environment and defaults fill in the rest, and check prints where each
value is from.

	-- spec.yaml --
	input: [prompts.jsonl]
	models:
	  strong: {provider: recorded, model: big, price: {input_usd_per_mtok: 10, output_usd_per_mtok: 30}}
	  weak: {provider: recorded, model: small, price: {input_usd_per_mtok: 1, output_usd_per_mtok: 1}}
	router: {kind: random}
	grade: {kind: number}

The threshold that sends half of the prompts to the strong model:

	$ routeval calibrate spec.yaml --strong-share 0.5
	…
	0.5835672539213002

	$ routeval run spec.yaml --threshold 0.58 --out first
	first: 4 prompts finished (4 now), 0 without an answer, 0 calls, $0.0000

	$ routeval convert first -
	…

	$ routeval report first --gate 'quality >= 0.5'
	At threshold 0.58, 50.0 % of 4 prompts went to strong: …
	…

The same command with another threshold asks for another run, and is refused:

	$ routeval run spec.yaml --threshold 0.5 --out first
	routeval: first holds a run that was asked for differently; give another directory, or undo:
	  router.threshold: 0.58 → 0.5

# The run directory

	manifest.json    what was asked, resolved, and the sha256 of every file that decides results
	results.jsonl    the journal: one line per finished prompt, appended and fsynced
	bad_rows.jsonl   with --bad-rows skip: rows that could not be read, with place and reason
	lock             held while a process works in it

A prompt is finished when its line is on disk. A last line without its newline was
never acknowledged and is cut when the run is resumed; a whole line that does not
parse is corruption and an error with its offset. However the program ends, at most
the calls that were in flight are made again; a power cut can also cost the lines of
the last 50 milliseconds, 2,048 at most. The first signal stops new calls and gives those
in flight a grace; the second kills. Both leave a journal that can be resumed by
giving the same command again.

# Where values come from

A flag counts before the spec, the spec before the environment, the environment
before the default. Taken from the environment are OLLAMA_HOST, OPENAI_BASE_URL,
OPENAI_API_BASE, AZURE_OPENAI_ENDPOINT and the like, for roles whose base_url is
left open, and the keys: the spec names the variable (api_key_env), never the key.
No file, message, error or page ever holds a key, and a key goes to no other host
than the one that it was named for.

# Money

Prices are US dollars per million tokens in the spec (price:), or a file for many
models (prices:) in that form or LiteLLM's. A price or a count of tokens that is
missing makes every sum that it belongs to unknown; it never counts as zero.
--budget stops a run before the next call could pass it, at status 5, and a larger
budget takes the run up again. --dry-run prints the plan with its costs.

# Gates

	gate   = figure op number .
	figure = name [ "@" axis "<=" number ] | ( "lower" | "upper" ) "(" name ")" .
	axis   = "cost_share" | "cost_usd" | "share" .
	op     = ">=" | "<=" | ">" | "<" | "==" .

Names are those of routeval report --help; they are checked before anything is
read. An undefined figure meets no gate.

# Exit statuses

	0    done
	1    it could not go on; a run: give the same command again to resume
	2    flags or spec are wrong; nothing was done
	3    done, but some prompts have no answer
	4    a gate was missed
	5    the budget is spent
	130  stopped by a signal
*/
package main

import (
	"context"
	"os"
)

// version is stamped at the build.
var version = "dev"

func main() {
	w := &world{
		args: os.Args[1:], lookupEnv: os.LookupEnv,
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, terminal: isTerminal(os.Stderr),
	}
	os.Exit(execute(context.Background(), w))
}
