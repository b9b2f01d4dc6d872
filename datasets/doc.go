// Package datasets reads and writes the files of a run and gives their rows
// as values: prompts that come in, results that go out.
//
// # The stream rule
//
// [Prompts] and [Results] are sequences of a value and an error. A
// [*RowError] is one bad row: its value is zero, and the stream goes on if the
// loop does. Any other error concerns the file as a whole and is the last thing
// yielded. A sequence may be ranged over again and then starts over (but for
// standard input, which is an error then). Leaving the loop early closes every
// file. Channels never cross the border of this package.
//
// # Formats
//
// A format is one file of this package and one line in the table of formats.
// Which one a path has is decided by its name (".jsonl", ".parquet", each also
// with ".gz" or ".zst" where that makes sense) and, where the name says
// nothing, by its first bytes. A format turns a file into JSON objects, so that
// what follows holds for all of them.
//
// # Prompts
//
// A row is a JSON object: valid UTF-8, no key twice at any depth, nesting at
// most 1000 deep, nothing after it. Null is as good as absent. Its members:
//
//	id          string or number; custom_id where there is none
//	messages    list of {role, content}; content is text or a list of parts
//	prompt      text or a list of messages; carried where there are messages too
//	body        of an OpenAI batch row (custom_id, method, url, body), where the
//	            row has neither of the two above; its messages are the prompt
//	reference   string or number: the gold answer
//	category    string or number: a slice for reports
//	outcomes    recorded outcomes, an object by model name
//
// Every other member is carried into the result byte for byte, as Extra. So is
// prompt_tokens, which also counts for every recorded outcome without its own.
//
// A recorded outcome has the members of [Outcome]; score stands for quality,
// response for answer, latency_s for latency_ns, and error may be a text. The
// members that it does not know are carried as the outcome's Extra.
//
// # Results
//
// A result is the JSON of [Result], and nothing else: a member that is not
// known is an error.
//
// # Parquet
//
// A Parquet row becomes a JSON object of its columns, nulls left out:
//
//	BOOLEAN, INT32, INT64, unsigned   true, 12
//	FLOAT, DOUBLE                     0.1 (the shortest of its width), "NaN", "Infinity"
//	DECIMAL                           12.30, exact
//	STRING, ENUM                      text; bytes that are not UTF-8 make a bad row
//	JSON                              the JSON itself
//	DATE                              "2026-01-31"
//	TIME                              "23:59:59.999"
//	TIMESTAMP                         "2026-01-31T23:59:59.999Z", without Z if local
//	INT96                             a timestamp, local
//	UUID                              "123e4567-e89b-12d3-a456-426614174000"
//	other bytes                       base64; in the columns named above, text
//	LIST, repeated                    a list, nulls kept
//	MAP                               an object; a list of {key, value} if keys are not text
//	group                             an object
//
// In files written here the members of a row that have no column are one JSON
// column, extra, which is unfolded again: JSON Lines to Parquet and back gives
// the same rows, Extra byte for byte.
package datasets
