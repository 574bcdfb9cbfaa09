package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"doorstep/customer"
)

// bareEnv makes a child of the bench serve fixed bytes with nothing but Fiber:
// the floor of the HTTP figures. Its value is ADDR|FILE.
const bareEnv = "DOORSTEP_BENCH_BARE"

func serveBare(ctx context.Context, spec string) error {
	addr, file, _ := strings.Cut(spec, "|")
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/*", func(c *fiber.Ctx) error {
		c.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
		c.Response().SetBodyRaw(body)
		return nil
	})
	stop := context.AfterFunc(ctx, func() { _ = app.Shutdown() }) // a floor has nothing to lose
	defer stop()
	return app.Listen(addr)
}

// child is a program under measurement in a process of its own.
type child struct {
	cmd  *exec.Cmd
	base string // http://ADDR
	auth string // the header that opens it
}

// freeAddr is an address that nobody listens on right now.
func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = ln.Close() }() // the address is what we came for
	return ln.Addr().String(), nil
}

// spawn starts this very program with other arguments and waits until path
// answers 200.
func spawn(ctx context.Context, env []string, path string, args func(addr string) []string) (*child, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, args(addr)...), base: "http://" + addr}
	c.cmd.Env = append(os.Environ(), env...)
	for i, e := range c.cmd.Env {
		c.cmd.Env[i] = strings.ReplaceAll(e, "{addr}", addr)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	client := &fasthttp.Client{}
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		if status, _, err := client.GetTimeout(nil, c.base+path, time.Second); err == nil && status == fasthttp.StatusOK {
			return c, nil
		}
		time.Sleep(2 * time.Millisecond)
	}
	c.stop()
	return nil, errors.New("the program under measurement did not start")
}

func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	late := time.AfterFunc(30*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	_ = c.cmd.Wait()
}

// serve starts a whole shop on a data folder that was filled before.
func (b *bench) serve(ctx context.Context, folder, key string) (*child, error) {
	env := []string{"DOORSTEP_RATE_LIMIT=0", "DOORSTEP_LOG=error", "DOORSTEP_METRICS_ADDR=", "DATABASE_URL=", "DOORSTEP_ENV=development"}
	c, err := spawn(ctx, env, "/health/ready", func(addr string) []string { return []string{"serve", "--data", folder, "--addr", addr} })
	if c != nil {
		c.auth = "Bearer " + key
	}
	return c, err
}

func (b *bench) bare(ctx context.Context, body []byte) (*child, error) {
	file := filepath.Join(b.folder, "bare")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return nil, err
	}
	return spawn(ctx, []string{bareEnv + "={addr}|" + file}, "/", func(string) []string { return []string{"bench"} })
}

// filled makes a shop of 1,000 SKUs on disk, with a key, and closes it again.
func (b *bench) filled(ctx context.Context, name string) (folder, key string, skus []string, err error) {
	c, err := b.counter(ctx, name)
	if err != nil {
		return "", "", nil, err
	}
	defer c.close()
	_, key, err = c.customers.CreateKey(ctx, c.merchant, customer.NewKey{Kind: customer.SecretKey, Name: "bench", Scopes: []string{"*"}})
	return c.config.DataDir, key, c.skus, err
}

// http measures the two answers that shops give most.
func (b *bench) http(ctx context.Context) error {
	folder, key, skus, err := b.filled(ctx, "http")
	if err != nil {
		return err
	}
	shop, err := b.serve(ctx, folder, key)
	if err != nil {
		return err
	}
	defer shop.stop()
	queries := make([]string, 200)
	for i := range queries {
		queries[i] = "/v1/search?q=" + url.QueryEscape(fmt.Sprintf("product bench %04d", i)) + "&limit=20"
	}
	for _, m := range []struct {
		what, path, least, aim string
		paths                  func() string
	}{
		{"product answer, 1,000 slugs, 32 connections", "/v1/products/" + strings.ToLower(skus[0]), "0.35", "0.6",
			func() string { return "/v1/products/" + strings.ToLower(skus[rand.IntN(len(skus))]) }},
		{"search answer, 200 queries, 32 connections", queries[0], "0.1", "0.15",
			func() string { return queries[rand.IntN(len(queries))] }},
	} {
		body, err := shop.get(m.path)
		if err != nil {
			return err
		}
		floor, err := b.bare(ctx, body)
		if err != nil {
			return err
		}
		bare, err := b.load(floor, 32, m.paths)
		floor.stop()
		if err != nil {
			return err
		}
		b.row(fmt.Sprintf("floor: bare Fiber, %d bytes", len(body)), bare, 0, "", "")
		f, err := b.load(shop, 32, m.paths)
		if err != nil {
			return err
		}
		b.row(m.what, f, bare.perSecond(), m.least, m.aim)
	}
	return nil
}

// get reads one answer, which has to be a success.
func (c *child) get(path string) ([]byte, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(c.base + path)
	req.Header.Set("Authorization", c.auth)
	if err := fasthttp.DoTimeout(req, resp, 10*time.Second); err != nil {
		return nil, err
	}
	if resp.StatusCode() != fasthttp.StatusOK {
		return nil, fmt.Errorf("%s: %d %s", path, resp.StatusCode(), resp.Body())
	}
	return append([]byte(nil), resp.Body()...), nil
}

// load sends GETs from so many connections and watches the CPU of the child.
func (b *bench) load(c *child, connections int, path func() string) (figure, error) {
	client := &fasthttp.HostClient{Addr: strings.TrimPrefix(c.base, "http://"), MaxConns: connections}
	do := func(int) (bool, error) {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.SetRequestURI(c.base + path())
		req.Header.Set("Authorization", c.auth)
		if err := client.Do(req, resp); err != nil {
			return false, err
		}
		if resp.StatusCode() != fasthttp.StatusOK {
			return false, fmt.Errorf("%d %s", resp.StatusCode(), resp.Body())
		}
		return true, nil
	}
	if _, err := measure(connections, b.seconds/4, do); err != nil { // warm up
		return figure{}, err
	}
	before := cpuOf(c.cmd.Process.Pid)
	f, err := measure(connections, b.seconds, do)
	f.cpu = cpuOf(c.cmd.Process.Pid) - before
	return f, err
}

// cpuOf is the processor time that a process and all below it have used; it
// reads /proc and is zero on systems without it.
func cpuOf(pid int) time.Duration {
	ticks := int64(0)
	for _, p := range tree(pid) {
		fields := stat(p)
		for _, i := range []int{13, 14, 15, 16} { // utime, stime, and those of children that have ended
			if len(fields) > i {
				n, _ := strconv.ParseInt(fields[i], 10, 64) // the kernel writes numbers
				ticks += n
			}
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}

// stat are the fields of /proc/PID/stat, with the name in the second place.
func stat(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return nil
	}
	return append([]string{string(text[:open]), string(text[open+1 : end])}, strings.Fields(string(text[end+1:]))...)
}

// tree is a process and all its descendants.
func tree(root int) []int {
	below := map[int][]int{}
	entries, _ := os.ReadDir("/proc") // without it there are no figures
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields := stat(pid); len(fields) > 3 {
			parent, _ := strconv.Atoi(fields[3])
			below[parent] = append(below[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, below[all[i]]...)
	}
	return all
}

// memoryOf is the largest resident size that a process has had, in MiB.
func memoryOf(pid int) float64 {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status") // without it there is no figure
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
