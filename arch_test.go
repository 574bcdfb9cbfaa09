// Package doorstep_test holds the house together: which room may import which,
// and which library may be touched where.
package doorstep_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rows are the floors of the house. A room imports rooms of lower rows, never
// one of its own row; a folder belongs to its room.
var rows = map[string]int{
	"cmd": 7,
	"api": 6, "web": 6,
	"support": 5, "analytics": 5,
	"checkout": 4, "recommend": 4, "loyalty": 4,
	"order": 3,
	"cart":  2, "payment": 2, "shipping": 2, "search": 2,
	"catalog": 1, "customer": 1, "pricing": 1, "notify": 1,
	"internal": 0, "migrations": 0,
}

// keepers are the libraries that stay behind a wall, with who may open it.
var keepers = []struct {
	library string
	allowed func(file string) bool
}{
	{"github.com/gofiber/", in("api", "web", "cmd")},
	{"github.com/danielgtaylor/huma/", in("api", "web", "cmd")},
	{"github.com/blevesearch/", in("search/bleveengine")},
	{"github.com/meilisearch/", in("search/meili")},
	{"github.com/stripe/", in("payment/stripepay")},
	{"gorm.io/", func(file string) bool {
		return strings.HasPrefix(file, "internal/db/") || strings.HasSuffix(file, "store.go")
	}},
}

func in(folders ...string) func(string) bool {
	return func(file string) bool {
		return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(file, f+"/") })
	}
}

// source is one parsed Go file.
type source struct {
	file string // slash-separated, from the root
	test bool
	ast  *ast.File
	set  *token.FileSet
}

func (s source) imports() []string {
	var all []string
	for _, spec := range s.ast.Imports {
		name, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		all = append(all, name)
	}
	return all
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); base != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{filepath.ToSlash(name), strings.HasSuffix(name, "_test.go"), parsed, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d files found: the test looks in the wrong place", len(all))
	}
	return all
}

func room(file string) string {
	first, _, found := strings.Cut(file, "/")
	if !found {
		return "" // the root holds only tests
	}
	return first
}

func TestImportsOnlyGoDown(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		from := room(s.file)
		if from == "" {
			continue
		}
		row, known := rows[from]
		if !known {
			t.Errorf("%s: %s is no room of the house", s.file, from)
			continue
		}
		for _, imported := range s.imports() {
			inside, found := strings.CutPrefix(imported, "doorstep/")
			if !found {
				continue
			}
			to := room(inside + "/")
			if to == from || s.test && (to == "internal" || to == "migrations") {
				continue
			}
			if rows[to] >= row && (from != "internal" || to != "migrations" || !strings.HasPrefix(s.file, "internal/dbtest/")) {
				t.Errorf("%s imports %s: imports only go down", s.file, imported)
			}
		}
	}
}

func TestLibrariesStayBehindTheirWall(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, imported := range s.imports() {
			for _, k := range keepers {
				if strings.HasPrefix(imported, k.library) && !k.allowed(s.file) {
					t.Errorf("%s imports %s", s.file, imported)
				}
			}
		}
	}
}

// TestTimeComesFromTheClock allows time.Now for measuring how long something
// took, which is said by the names that the result gets.
func TestTimeComesFromTheClock(t *testing.T) {
	t.Parallel()
	measuring := []string{"start", "began", "begun", "before", "wall", "deadline"}
	for _, s := range sources(t) {
		if s.test || strings.HasPrefix(s.file, "internal/clock/") || strings.Contains(s.file, "bench") || strings.Contains(s.file, "test/") {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if assign, ok := n.(*ast.AssignStmt); ok && len(assign.Lhs) == 1 {
				if name, ok := assign.Lhs[0].(*ast.Ident); ok && slices.Contains(measuring, name.Name) {
					return false
				}
			}
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Now" {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
					t.Errorf("%s: time.Now outside internal/clock", s.set.Position(sel.Pos()))
				}
			}
			return true
		})
	}
}

func TestFilesAndFunctionsStayShort(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		lines := s.set.Position(s.ast.End()).Line
		if lines > 500 {
			t.Errorf("%s has %d lines: split it by idea", s.file, lines)
		}
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line; n > 80 {
				t.Errorf("%s: %s has %d lines: split it by idea", s.set.Position(f.Pos()), f.Name.Name, n)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		folder := path.Dir(s.file)
		said[folder] = said[folder] || s.ast.Doc != nil
	}
	for folder, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", folder)
		}
	}
}
