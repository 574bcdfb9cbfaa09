package killpoint_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"doorstep/internal/killpoint"
)

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir
		}
		if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		break
	}
	t.Fatal("no go.mod above the test", err)
	return ""
}

// hits finds every call of killpoint.Hit: the name, with the places of it.
func hits(t *testing.T) map[string][]string {
	t.Helper()
	top, found := root(t), map[string][]string{}
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := entry.Name(); entry.IsDir() && name != top && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), "killpoint.Hit(") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(top, name)
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if point, ok := hit(n); ok {
					found[point] = append(found[point], filepath.ToSlash(file)+" "+f.Name.Name)
				}
				return true
			})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// hit reads a call of killpoint.Hit.
func hit(n ast.Node) (point string, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return "", false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Hit" {
		return "", false
	}
	if pkg, ok := sel.X.(*ast.Ident); !ok || pkg.Name != "killpoint" {
		return "", false
	}
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return "not a plain name", true
	}
	point, _ = strconv.Unquote(lit.Value) // the parser has checked it
	return point, true
}

func TestEachPointIsHitWhereTheTableSaysAndNowhereElse(t *testing.T) {
	t.Parallel()
	found := hits(t)
	for _, p := range killpoint.Points() {
		if where := found[p.Name]; !slices.Equal(where, []string{p.Where}) {
			t.Errorf("%s is hit at %q, the table says %q", p.Name, where, p.Where)
		}
		delete(found, p.Name)
	}
	for name, where := range found {
		t.Errorf("%q is hit at %q and not in the table", name, where)
	}
}

func TestTheTableCoversAWholePurchase(t *testing.T) {
	t.Parallel()
	step, steps := regexp.MustCompile(`^K(10|[0-9])$`), map[string]bool{}
	names := map[string]bool{}
	for _, p := range killpoint.Points() {
		if !step.MatchString(p.Step) || p.Means == "" || names[p.Name] {
			t.Errorf("%+v", p)
		}
		names[p.Name], steps[p.Step] = true, true
	}
	if len(steps) != 11 {
		t.Errorf("only the steps %v", steps)
	}
}

func TestWithoutItsTagAPointIsNothing(t *testing.T) {
	t.Setenv(killpoint.Env, "checkout.priced")
	for _, p := range killpoint.Points() {
		killpoint.Hit(p.Name)
	}
	if n := testing.AllocsPerRun(100, func() { killpoint.Hit("checkout.priced") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTheGuideNamesEveryPointAndNoTestThatIsGone keeps docs/correctness.md true.
func TestTheGuideNamesEveryPointAndNoTestThatIsGone(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "correctness.md"))
	if err != nil {
		t.Fatal(err)
	}
	guide := string(text)
	for _, p := range killpoint.Points() {
		if !strings.Contains(guide, "`"+p.Name+"`") {
			t.Errorf("nothing is said of %s", p.Name)
		}
	}
	var tests strings.Builder
	err = filepath.WalkDir(root(t), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(guide, -1)
	if len(named) < 60 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, n := range named {
		if !strings.Contains(tests.String(), "func "+n[1]+"(") {
			t.Errorf("there is no %s", n[1])
		}
	}
}
