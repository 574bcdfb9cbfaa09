// Command doorstep is the whole shop in one program: the API, the jobs, and the
// commands with which a merchant's operator looks after it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // zones of merchants and warehouses, wherever this runs

	"doorstep/internal/fault"
)

// version and commit are set by the build.
var (
	version = "dev"
	commit  = ""
)

// The exit codes: what a script may rely on.
const (
	exitOK       = 0
	exitFailed   = 1 // something went wrong; the message says what
	exitUsage    = 2 // the command line was not understood
	exitViolated = 3 // verify found broken invariants
)

// command is one word after the program's name.
type command struct {
	name, args, help string
	// run does it; it parses its own flags out of args.
	run func(ctx context.Context, io streams, args []string) error
}

// streams are where a command reads and writes.
type streams struct {
	out, err io.Writer
}

// errUsage is a command line that was not understood; the message has been shown.
var errUsage = errors.New("usage")

// errViolated says that verify found something.
var errViolated = errors.New("invariants are broken")

func commands() []command {
	return []command{
		{"demo", "[--addr HOST:PORT] [--data DIR] [--json]", "start the whole shop with demo data, sandbox payments and captured mail, and print its addresses and keys", runDemo},
		{"serve", "[--addr HOST:PORT] [--data DIR]", "start the shop", runServe},
		{"health", "[--addr HOST:PORT]", "ask the running program whether it can serve; exit code 1 when it cannot", runHealth},
		{"migrate", "[--data DIR]", "bring the database to this version's schema; serve does it too", runMigrate},
		{"merchants", "create NAME [--currency EUR] | list", "shops on this installation", runMerchants},
		{"staff", "invite EMAIL --role ROLE [--merchant ID] | list | remove ID", "people who work for a shop", runStaff},
		{"keys", "create | list | revoke ID", "API keys; see doorstep keys --help", runKeys},
		{"import", "products FILE | orders FILE [--currency EUR]", "take in a CSV file, beside the running program or without it", runImport},
		{"export", "products | orders [--out FILE]", "write a CSV file", runExport},
		{"verify", "[--data DIR]", "check on the live tables that nothing was lost or doubled; exit code 3 when something was", runVerify},
		{"analytics", "rebuild [--merchant ID]", "make the figures of carts and sales anew from the log, and compare; exit code 3 when they differ", runAnalytics},
		{"reconcile", "[--days N]", "compare payments, refunds and the ledger with the payment providers' books, and mend what differs", runReconcile},
		{"audit", "verify [--merchant ID]", "check that nobody has changed the log of who did what; exit code 3 when somebody has", runAudit},
		{"backup", "FILE [--data DIR]", "write everything the database knows into one file, while the shop runs", runBackup},
		{"restore", "FILE [--data DIR]", "put a backup into an empty database", runRestore},
		{"db", "url [--data DIR]", "the address of the database, for psql", runDB},
		{"gateway", "[--addr HOST:PORT] [--webhook URL]", "run the sandbox payment gateway as a program, in Stripe's wire format", runGateway},
		{"fake-carriers", "[--addr HOST:PORT] [--webhooks URL]", "play carriers on this machine: prices, labels, parcels that move when told to, and faults; see docs/carriers.md", runFakeCarriers},
		{"recommend", "rank --train FILE --queries FILE --task TASK --out FILE", "rank what goes with what, from a file of purchases; see docs/recommendations.md", runRecommend},
		{"assistant", "train [--out FILE] | eval [--phrases FILE] | cases --world FILE --cases FILE", "make or measure the model that reads customers' messages, or play conversations; see docs/assistant.md", runAssistant},
		{"simulate", "[--days 60] [--seed 7] [--per-day 50] [--data DIR]", "play shoppers whose reasons are known, and hold the reports against the truth", runSimulate},
		{"bench", "[--only NAME] [--seconds N]", "measure, as ratios against floors built in the same run", runBench},
		{"config", "", "every setting, its value and its meaning; secrets are stars", runConfig},
		{"version", "", "which program this is", runVersion},
	}
}

// gcPercent lets the heap grow to four times what is in use before it is swept.
// A shop uses little memory and much of it briefly; GOGC overrides it.
const gcPercent = 300

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	code := run(ctx, streams{os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}

// run does what the command line says and gives the exit code.
func run(ctx context.Context, io streams, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		help(io.out)
		return exitOK
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, io, args[1:])
		switch {
		case err == nil, errors.Is(err, flag.ErrHelp):
			return exitOK
		case errors.Is(err, errUsage):
			return exitUsage
		case errors.Is(err, errViolated):
			return exitViolated
		}
		fmt.Fprintf(io.err, "doorstep %s: %s\n", c.name, sentence(err))
		return exitFailed
	}
	fmt.Fprintf(io.err, "doorstep: there is no command %q; doorstep --help lists them\n", args[0])
	return exitUsage
}

// sentence is what to tell the operator: of a fault its own words and its cause.
func sentence(err error) string {
	f, ok := fault.As(err)
	if !ok {
		return err.Error()
	}
	text := f.Text
	for _, w := range f.Fields {
		text += fmt.Sprintf("\n  %s: %s", w.Location, w.Message)
	}
	if cause := errors.Unwrap(f); cause != nil {
		text += "\n  because: " + cause.Error()
	}
	return text
}

func help(out io.Writer) {
	fmt.Fprint(out, `Doorstep is the backend of a shop, from the search box to the doorstep and after.

  doorstep demo     starts a whole shop with nothing to configure; begin here
  doorstep serve    starts it for real; doorstep config shows what can be set

Commands:
`)
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-10s %s\n             %s\n", c.name, c.args, c.help)
	}
	fmt.Fprint(out, `
Settings come from environment variables (doorstep config lists them); --data and
--addr win over them. Exit codes: 0 done, 1 failed, 2 not understood, 3 verify
found broken invariants.
`)
}

// flags makes the flag set of a command, with --data for all of them.
func flags(io streams, name, args, about string) (*flag.FlagSet, *string) {
	f := bareFlags(io, name, args, about)
	return f, f.String("data", "", "the data `DIR`; default DOORSTEP_DATA or ./.doorstep")
}

// bareFlags are those of a command that keeps nothing.
func bareFlags(io streams, name, args, about string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.err)
	f.Usage = func() {
		fmt.Fprintf(io.err, "doorstep %s %s\n\n%s\n\n", name, args, about)
		f.VisitAll(func(option *flag.Flag) {
			value, text := flag.UnquoteUsage(option)
			if d := option.DefValue; d != "" && d != "false" && d != "0" && d != "0s" && d != "[]" {
				text += "; default " + d
			}
			fmt.Fprintf(io.err, "  --%s\n        %s\n", strings.TrimSpace(option.Name+" "+value), text)
		})
	}
	return f
}

// parse reads flags and gives the other words, which may stand before and
// between the flags.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	var words []string
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage
		}
		if f.NArg() == 0 {
			return words, nil
		}
		words = append(words, f.Arg(0))
		args = f.Args()[1:]
	}
}

// usage shows how a command is used and fails with errUsage.
func usage(f *flag.FlagSet, problem string) error {
	fmt.Fprintln(f.Output(), problem)
	f.Usage()
	return errUsage
}

func runConfig(_ context.Context, io streams, args []string) error {
	f, data := flags(io, "config", "", "Prints every setting, its value and its meaning.")
	if _, err := parse(f, args); err != nil {
		return err
	}
	c, err := settings(*data, "")
	if err != nil {
		return err
	}
	fmt.Fprint(io.out, c.Print())
	return nil
}

func runVersion(_ context.Context, io streams, _ []string) error {
	v := build()
	fmt.Fprintf(io.out, "doorstep %s (%s, %s)\n", v.Version, v.Commit, v.Go)
	return nil
}
