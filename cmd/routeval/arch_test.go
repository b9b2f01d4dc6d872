package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// layout is the top level of the module: each directory, what of ours it may
// import, and why no more. What lies below a directory keeps its rules.
var layout = map[string]struct{ imports, why string }{
	"cmd":       {"datasets pipeline providers reports scoring", "it wires all of them"},
	"pipeline":  {"datasets providers scoring", "it composes these three, and a run needs no page"},
	"reports":   {"datasets scoring", "it folds rows, with scoring's statistics, and calls nobody"},
	"datasets":  {"", "a file is read the same whoever scores or calls"},
	"providers": {"", "a service can be talked to without a run"},
	"scoring":   {"", "a decision depends on no file and no service"},
}

// outputs are the directories that make and the commands write; git ignores them.
var outputs = []string{"bin", "demo", "runs"}

// goroutines are the directories and files that may start some.
var goroutines = map[string]string{
	"pipeline":               "one function owns the stages",
	"scoring":                "training, inside one call",
	"reports":                "the bootstrap, inside one call",
	"cmd/routeval/burst.go":  "a burst of calls, inside one call",
	"cmd/routeval/demo.go":   "the demo's loopback server lives as long as the command",
	"providers/providertest": "a test calls from several sides at once",
}

const (
	everyone    = "cmd datasets pipeline providers reports scoring"
	libraries   = "datasets pipeline providers reports scoring"
	noServices  = "datasets pipeline reports scoring"
	noFiles     = "reports scoring"
	noPrograms  = "datasets providers reports scoring"
	noClock     = "datasets reports scoring"
	processOnly = "only cmd knows flags, environment and standard streams"
	noLogging   = "libraries return errors, they do not log"
	seeded      = "randomness is seeded, so that a run can be repeated"
)

// bans keep a package's names (patterns; none: the package) out of directories.
var bans = []struct{ pkg, names, from, why string }{
	{"flag", "", libraries, processOnly},
	{"github.com/spf13/cobra", "", libraries, processOnly},
	{"github.com/spf13/pflag", "", libraries, processOnly},
	{"github.com/schollz/progressbar/v3", "", libraries, processOnly},
	{"fmt", "Print Printf Println Scan Scanf Scanln", libraries, processOnly},
	{"os", "Std* Args Exit Getenv LookupEnv Environ ExpandEnv Setenv Unsetenv Clearenv", libraries, processOnly},
	{"os/exec", "", noPrograms, "programs are started by pipeline, which owns what runs, and by cmd"},
	{"os/signal", "", libraries, "cmd hears signals, others have a context"},
	{"log", "", libraries, noLogging},
	{"log/slog", "Debug* Info* Warn* Error* Log LogAttrs Logger New With Default SetDefault", libraries, noLogging},
	{"os", "Open* Create* ReadFile WriteFile ReadDir Mkdir* Remove* Rename", noFiles, "cmd opens files and passes them in"},
	{"net", "", noServices, "providers talk to services"},
	{"net/http", "", noServices, "providers talk to services"},
	{"time", "Now Since Until Sleep After AfterFunc Tick New*", noClock, "without a clock the answer is the same tomorrow"},
	{"math/rand/v2", "Int* Uint* N Float* NormFloat64 ExpFloat64 Perm Shuffle", everyone, seeded},
	{"math/rand", "", everyone, seeded},
}

// TestArchitecture holds the directions between packages, and who may touch
// what, for every Go file of the module that is not a test.
func TestArchitecture(t *testing.T) {
	for _, breach := range breaches(t, os.DirFS("../..")) {
		t.Error(breach)
	}
}

// breaches lists where a module's tree breaks the rules, each with the reason.
func breaches(t *testing.T, module fs.FS) (found []string) {
	var arrow []string
	err := fs.WalkDir(module, ".", func(name string, entry fs.DirEntry, err error) error {
		top, _, _ := strings.Cut(name, "/")
		_, known := layout[top]
		switch {
		case err != nil || name == ".":
			return err
		case entry.IsDir() && !known && !strings.HasPrefix(top, ".") && !slices.Contains(outputs, top):
			found = append(found, name+": the top level is fixed: what must hide hides under its owner")
			return fs.SkipDir
		case entry.IsDir() && (!known || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(module, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, breach := range append(importBreaches(top, file), bodyBreaches(name, top, file)...) {
			found = append(found, name+": "+breach)
		}
		if slices.ContainsFunc(slices.Collect(maps.Values(imports(file))), isArrow) {
			arrow = append(arrow, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(arrow) > 1 {
		found = append(found, strings.Join(arrow, ", ")+": arrow's path is retired, and one file must be all that a move touches")
	}
	return found
}

func importBreaches(top string, file *ast.File) (found []string) {
	imported := imports(file)
	for _, local := range slices.Sorted(maps.Keys(imported)) {
		pkg := imported[local]
		if rest, ours := strings.CutPrefix(pkg, "routeval/"); ours {
			target, _, _ := strings.Cut(rest, "/")
			if target != top && !slices.Contains(strings.Fields(layout[top].imports), target) {
				found = append(found, fmt.Sprintf("import of %s: of ours, %s imports [%s]: %s", pkg, top, layout[top].imports, layout[top].why))
			}
		}
		if strings.HasPrefix(local, "_") && pkg != "embed" {
			found = append(found, "blank import of "+pkg+": what is linked in is named where it is used")
		}
		if isArrow(pkg) && strings.Contains(pkg, "/parquet") {
			found = append(found, "import of "+pkg+": it writes fixed-size lists as nulls and panics on newer files")
		}
		for _, ban := range bans {
			if ban.pkg == pkg && ban.names == "" && slices.Contains(strings.Fields(ban.from), top) {
				found = append(found, "import of "+pkg+": "+ban.why)
			}
		}
	}
	return found
}

func bodyBreaches(name, top string, file *ast.File) (found []string) {
	imported := imports(file)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				found = append(found, "func init: nothing happens before main")
			}
		case *ast.GoStmt:
			if !startsGoroutines(name) {
				found = append(found, "go statement: goroutines have owners, and this is none")
			}
		case *ast.CallExpr: // of an errgroup.Group or a sync.WaitGroup
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Go" && !startsGoroutines(name) {
				found = append(found, "call of Go: goroutines have owners, and this is none")
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				break
			}
			pkg, selected := imported[x.Name], n.Sel.Name
			for _, ban := range bans {
				if ban.pkg == pkg && slices.Contains(strings.Fields(ban.from), top) && matchesAny(ban.names, selected) {
					found = append(found, pkg+"."+selected+": "+ban.why)
				}
			}
		}
		return true
	})
	return found
}

// imports maps the names under which a file imports packages to their paths;
// blank ones are "_" and the path.
func imports(file *ast.File) map[string]string {
	byName := make(map[string]string)
	for _, spec := range file.Imports {
		pkg, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(pkg)
		if version, ok := strings.CutPrefix(name, "v"); ok && strings.Trim(version, "0123456789") == "" {
			name = path.Base(path.Dir(pkg))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "_" {
			name += pkg
		}
		byName[name] = pkg
	}
	return byName
}

func isArrow(pkg string) bool { return strings.Contains(pkg, "apache/arrow") }

func startsGoroutines(name string) bool {
	for owner := range goroutines {
		if name == owner || strings.HasPrefix(name, owner+"/") {
			return true
		}
	}
	return false
}

func matchesAny(patterns, name string) bool {
	return slices.ContainsFunc(strings.Fields(patterns), func(pattern string) bool {
		matched, _ := path.Match(pattern, name)
		return matched
	})
}

// TestArchitectureRules proves that each rule fires, and on nothing else: every
// module here breaks the one that is named, or none.
func TestArchitectureRules(t *testing.T) {
	tests := []struct{ name, file, source, want string }{
		{"allowed", "pipeline/a.go", `import ("embed"; _ "embed"; "os"; "routeval/scoring"); func f() { go g(); os.Open("") }`, ""},
		{"tests are free", "scoring/a_test.go", `import ("os"; "routeval/datasets"); func init() { go os.Exit(1) }`, ""},
		{"below the owner", "providers/solver/a.go", `import "routeval/providers/lexical"`, ""},
		{"methods", "scoring/a.go", `func (t T) init() { t.Println() }`, ""},
		{"seeded", "providers/a.go", `import "math/rand/v2"; func f() { rand.New(rand.NewPCG(1, 2)).IntN(3) }`, ""},
		{"redacting", "providers/a.go", `import "log/slog"; func (s S) LogValue() slog.Value { return slog.StringValue("") }`, ""},

		{"top level", "utils/a.go", ``, "top level is fixed"},
		{"direction", "datasets/a.go", `import "routeval/providers"`, "datasets imports []"},
		{"direction below", "datasets/sample/a.go", `import "routeval/providers/solver"`, "datasets imports []"},
		{"direction of reports", "reports/a.go", `import "routeval/pipeline"`, "reports imports [datasets scoring]"},
		{"nobody imports cmd", "pipeline/a.go", `import "routeval/cmd/routeval/x"`, "pipeline imports"},
		{"init", "cmd/routeval/a.go", `func init() {}`, "func init"},
		{"blank import", "cmd/routeval/a.go", `import _ "net/http/pprof"`, "blank import"},
		{"flags", "scoring/a.go", `import "flag"`, "only cmd"},
		{"commands", "pipeline/a.go", `import "github.com/spf13/cobra"`, "only cmd"},
		{"environment", "providers/a.go", `import "os"; var k = os.Getenv("K")`, "only cmd"},
		{"renamed", "providers/a.go", `import sys "os"; var k = sys.Getenv("K")`, "only cmd"},
		{"standard output", "reports/a.go", `import "os"; var w = os.Stdout`, "only cmd"},
		{"printing", "datasets/a.go", `import "fmt"; func f() { fmt.Println() }`, "only cmd"},
		{"progress bar", "pipeline/a.go", `import "github.com/schollz/progressbar/v3"`, "only cmd"},
		{"signals", "pipeline/a.go", `import "os/signal"`, "have a context"},
		{"log", "providers/a.go", `import "log"`, "do not log"},
		{"slog", "providers/a.go", `import "log/slog"; func f() { slog.InfoContext(nil, "") }`, "do not log"},
		{"files", "reports/a.go", `import "os"; func f() { os.CreateTemp("", "") }`, "passes them in"},
		{"network", "scoring/a.go", `import "net/http"`, "talk to services"},
		{"programs", "scoring/a.go", `import "os/exec"; func f() { exec.Command("") }`, "programs are started"},
		{"clock", "scoring/a.go", `import "time"; var t = time.Now()`, "clock"},
		{"randomness", "cmd/routeval/a.go", `import "math/rand/v2"; var x = rand.IntN(3)`, "seeded"},
		{"go statement", "providers/a.go", `func f() { go f() }`, "go statement"},
		{"go statement in cmd", "cmd/routeval/a.go", `func f() { go f() }`, "go statement"},
		{"errgroup", "datasets/a.go", `import "golang.org/x/sync/errgroup"; func f(g *errgroup.Group) { g.Go(nil) }`, "call of Go"},
		{"wait group", "providers/a.go", `import "sync"; func f(g *sync.WaitGroup) { g.Go(nil) }`, "call of Go"},
		{"arrow's parquet", "datasets/a.go", `import "github.com/apache/arrow/go/v17/parquet/pqarrow"`, "as nulls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			module := fstest.MapFS{tt.file: {Data: []byte("package p; " + tt.source)}}
			wantOne(t, breaches(t, module), tt.want)
		})
	}
	t.Run("two arrow files", func(t *testing.T) {
		source := &fstest.MapFile{Data: []byte(`package p; import "github.com/apache/arrow/go/v17/arrow"`)}
		module := fstest.MapFS{"datasets/a.go": source, "datasets/b.go": source}
		wantOne(t, breaches(t, module), "datasets/a.go, datasets/b.go: arrow's path is retired")
	})
}

// wantOne fails unless found is one breach that holds want, or none where want
// is empty.
func wantOne(t *testing.T, found []string, want string) {
	t.Helper()
	if want == "" && len(found) == 0 {
		return
	}
	if len(found) != 1 || want == "" || !strings.Contains(found[0], want) {
		t.Errorf("got %q, want one that holds %q", found, want)
	}
}
