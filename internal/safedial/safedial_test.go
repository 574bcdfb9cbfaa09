package safedial

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// forbidden are URLs that lead to what is not public, or hide where they lead.
var forbidden = []string{
	// Plain spellings of what is near.
	"https://127.0.0.1/", "https://127.1.2.3/", "https://127.255.255.254/", "https://0.0.0.0/", "https://0.1.2.3/",
	"https://10.0.0.1/", "https://10.255.255.255/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.0.1/",
	"https://192.168.255.255/", "https://100.64.0.1/", "https://100.127.255.255/", "https://169.254.0.1/", "https://192.0.0.1/",
	"https://192.0.2.1/", "https://198.51.100.7/", "https://203.0.113.9/", "https://198.18.0.1/", "https://198.19.255.255/",
	"https://192.88.99.1/", "https://224.0.0.1/", "https://239.255.255.255/", "https://240.0.0.1/", "https://255.255.255.255/",
	// Metadata services.
	"https://169.254.169.254/latest/meta-data/", "https://169.254.170.2/v2/credentials", "https://100.100.100.200/", "https://168.63.129.16/",
	"https://192.0.0.192/", "https://[fd00:ec2::254]/", "https://metadata.google.internal/", "https://metadata/",
	// IPv6, and IPv4 inside it.
	"https://[::1]/", "https://[::]/", "https://[fe80::1]/", "https://[febf::1]/", "https://[fec0::1]/", "https://[fc00::1]/", "https://[fdff::1]/",
	"https://[ff02::1]/", "https://[ff0e::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:8.8.8.8]/", "https://[::127.0.0.1]/",
	"https://[64:ff9b::7f00:1]/", "https://[64:ff9b::8.8.8.8]/", "https://[64:ff9b:1::a00:1]/", "https://[2002:7f00:1::]/", "https://[2002:a00:1::1]/",
	"https://[2001::1]/", "https://[2001:0:53aa:64c:0:1234:5678:9abc]/", "https://[2001:db8::1]/", "https://[3fff::1]/", "https://[100::1]/",
	"https://[2606:4700::5efe:7f00:1]/", "https://[2606:4700::200:5efe:10.0.0.1]/", "https://[5f00::1]/",
	// Zones.
	"https://[fe80::1%25eth0]/", "https://[fe80::1%25lo]/", "https://[::1%25lo]/", "https://[2606:4700::1%25eth0]/",
	// Odd spellings of 127.0.0.1 and others.
	"https://0177.0.0.1/", "https://0x7f.0.0.1/", "https://0x7f000001/", "https://2130706433/", "https://017700000001/", "https://127.1/", "https://127.0.1/",
	"https://0x7f.1/", "https://127.0.0.1./", "https://0/", "https://0x0/", "https://3232235521/", "https://0xa9fea9fe/", "https://2852039166/",
	"https://0251.0376.0251.0376/", "https://127.0.0.01/", "https://0x7F.0x0.0x0.0x1/", "https://4294967295/", "https://127.0.0.1.0x/",
	"https://１２７.０.０.１/", "https://127。0。0。1/", "https://①②⑦.0.0.1/", "https://[0:0:0:0:0:ffff:127.0.0.1]/", "https://%31%32%37.0.0.1/",
	// Names that lead near: in the text, or by what the resolver says.
	"https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://x.localhost/", "https://printer.local/", "https://db.internal/", "https://intranet/",
	"https://loop.example/", "https://private.example/", "https://mapped.example/", "https://six.example/", "https://nat64.example/", "https://meta.example/", "https://none.example/",
	"https://127.0.0.1.nip.example/", "https://own.example/", "https://all-near.example/",
	// Other ways out.
	"http://loop.example/", "http://93.184.215.14/", "https://93.184.215.14:80/", "https://93.184.215.14:22/", "https://93.184.215.14:8443/", "https://93.184.215.14:0/",
	"https://93.184.215.14:65536/", "https://user@93.184.215.14/", "https://user:password@93.184.215.14/", "https://a@127.0.0.1/",
	"https://93.184.215.14@127.0.0.1/", "https://127.0.0.1#@93.184.215.14/", "https://93.184.215.14\\@127.0.0.1/", "https://93.184.215.14/#x",
	"ftp://93.184.215.14/", "gopher://127.0.0.1:6379/_x", "file:///etc/passwd", "unix:///var/run/docker.sock", "javascript:alert(1)", "data:text/plain,x",
	"//127.0.0.1/", "https:///x", "https://", "https:127.0.0.1", "", "127.0.0.1", "https://ex ample.com/", "https://exa\tmple.com/", "https://a..example/", "https://.example/",
	"https://[127.0.0.1]/", "https://[::1/", "https://" + strings.Repeat("a", 64) + ".example/",
}

// names is a resolver that reads odd spellings as the C library does.
type names struct{}

func (names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	addr := func(texts ...string) (all []netip.Addr, err error) {
		for _, t := range texts {
			all = append(all, netip.MustParseAddr(t))
		}
		return all, nil
	}
	switch strings.ToLower(strings.TrimSuffix(host, ".")) {
	case "loop.example", "localhost", "x.localhost", "127.0.0.1.nip.example":
		return addr("127.0.0.1")
	case "private.example", "printer.local", "db.internal", "intranet":
		return addr("10.1.2.3")
	case "mapped.example":
		return addr("::ffff:192.168.1.1")
	case "six.example":
		return addr("::1", "fd00::1")
	case "nat64.example":
		return addr("64:ff9b::a00:1")
	case "meta.example", "metadata", "metadata.google.internal":
		return addr("169.254.169.254", "fd00:ec2::254")
	case "all-near.example":
		return addr("127.0.0.1", "10.0.0.1", "fe80::1%eth0", "::ffff:127.0.0.1")
	case "own.example":
		return addr("8.8.4.4") // denied below, as the router in front of us
	case "none.example":
		return nil, nil
	}
	if a, ok := asC(host); ok {
		return []netip.Addr{a}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// asC reads an IPv4 address the way inet_aton does.
func asC(host string) (netip.Addr, bool) {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 0, 64)
		if err != nil {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			value = value<<(8*(5-len(parts))) | n
		} else {
			value = value<<8 | n
		}
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

func TestNoForbiddenAddressIsEverConnectedTo(t *testing.T) {
	t.Parallel()
	if len(forbidden) < 80 {
		t.Fatalf("only %d URLs", len(forbidden))
	}
	for _, layer := range []struct {
		name    string
		checked bool
	}{{"by the text and the dialer", true}, {"by the dialer alone", false}} {
		t.Run(layer.name, func(t *testing.T) {
			t.Parallel()
			var connected atomic.Int64
			c := New(Config{Resolver: names{}, Deny: []netip.Prefix{netip.MustParsePrefix("8.8.4.4/32")}})
			c.checked = layer.checked
			c.dialed = func(to netip.AddrPort) error {
				connected.Add(1)
				t.Errorf("connected to %s", to)
				return errors.New("stopped by the test")
			}
			for _, text := range forbidden {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, text, strings.NewReader("{}"))
				if err != nil {
					if c.Check(text) == nil {
						t.Errorf("%q passes the check and is no URL: %v", text, err)
					}
					continue
				}
				if !layer.checked && (req.URL.Scheme == "http" || req.URL.User != nil || req.URL.Fragment != "") && !near(c, req.URL) {
					continue // what these break is no matter of the address
				}
				if _, _, err = c.Send(t.Context(), req); err == nil {
					t.Errorf("%q was answered", text)
				}
			}
			if n := connected.Load(); n != 0 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// near says whether a URL leads to a forbidden address, whatever else is wrong.
func near(c *Client, u *url.URL) bool {
	_, err := c.resolve(context.Background(), u.Hostname())
	return err != nil
}

func TestAddressesThatArePublicPass(t *testing.T) {
	t.Parallel()
	c := New(Config{Ports: []int{8443}})
	for _, text := range []string{
		"https://shop.example/hooks?a=b", "https://93.184.215.14/", "https://[2606:4700::1111]/", "https://shop.example:443/", "https://shop.example:8443/x",
		"https://xn--e1afmkfd.example/", "https://a-b.c_d.example/", "https://shop.example", "https://1.example/", "https://0x.example/",
	} {
		if err := c.Check(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"https://93.184.215.14:/", "https://00000127.0.0.1/"} { // what Go and C read in their own way
		if c.Check(text) == nil {
			t.Errorf("%s passes", text)
		}
	}
	for text, want := range map[string]bool{
		"8.8.8.8": true, "100.63.255.255": true, "100.128.0.0": true, "172.15.255.255": true, "172.32.0.0": true, "223.255.255.255": true, "1.1.1.1": true,
		"2606:4700::1111": true, "2a00:1450::1": true, "3ffe::1": true, "2001:200::1": true, "2003::1": true,
		"168.63.129.16": false, "2001:1ff::1": false, "4000::1": false, "::": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %v", text, got)
		}
	}
	if public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// A name that changes its mind: what was resolved is what is connected to, and
// the next call looks at the new answer.
func TestANameThatRebindsGainsNothing(t *testing.T) {
	t.Parallel()
	r := &rebinding{answers: []string{"127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"}}
	c, target := local(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }), func(c *Config) {
		c.Resolver = r
	})
	u, _ := url.Parse(target)
	if a, err := post(t, c, "https://example.com:"+u.Port()+"/"); err != nil || string(a.Body) != "hello" || r.asked != 1 {
		t.Fatalf("%q %v after %d look-ups, want one", a.Body, err, r.asked)
	}
	c.dialed = func(to netip.AddrPort) error { return errors.New("connected to " + to.String()) }
	for range 3 {
		if _, err := post(t, c, "https://example.com:"+u.Port()+"/"); !errors.Is(err, ErrRefused) {
			t.Errorf("after %d look-ups: %v", r.asked, err)
		}
	}
}

// rebinding gives another answer each time.
type rebinding struct {
	answers []string
	asked   int
}

func (r *rebinding) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	r.asked++
	return []netip.Addr{netip.MustParseAddr(r.answers[r.asked-1])}, nil
}

func TestTheSocketIsLookedAtAfterTheName(t *testing.T) {
	t.Parallel()
	ln := listen(t)
	c := New(Config{})
	at := netip.MustParseAddrPort(ln.Addr().String())
	c.config.Ports = []int{int(at.Port())}
	if conn, err := c.connect(t.Context(), at); err == nil || !errors.Is(err, ErrRefused) {
		t.Errorf("connected to %v: %v", conn, err)
	}
	c.config.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	conn, err := c.connect(t.Context(), at)
	if err != nil {
		t.Fatalf("what the operator allows is refused: %v", err)
	}
	_ = conn.Close()
	c.config.Ports = nil
	if _, err := c.connect(t.Context(), at); !errors.Is(err, ErrRefused) {
		t.Errorf("a port that is not allowed: %v", err)
	}
}

func TestOurOwnPublicAddressIsRefused(t *testing.T) {
	t.Parallel()
	c := New(Config{})
	a := netip.MustParseAddr("93.184.215.14")
	if err := c.permit(a); err != nil {
		t.Fatal(err)
	}
	c.own.known = map[netip.Addr]bool{a: true}
	c.own.read = c.machine.Now()
	if err := c.permit(a); !errors.Is(err, ErrRefused) {
		t.Errorf("own address: %v", err)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// local makes a client that may reach servers of this test, and one of those.
func local(t *testing.T, handler http.Handler, change func(*Config)) (*Client, string) {
	t.Helper()
	s := httptest.NewTLSServer(handler)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	u, _ := url.Parse(s.URL)
	port, _ := strconv.Atoi(u.Port())
	config := Config{Ports: []int{port}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RootCAs: roots}
	if change != nil {
		change(&config)
	}
	return New(config), s.URL
}

func post(t *testing.T, c *Client, url string) (Answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	a, took, err := c.Send(t.Context(), req)
	if took < 0 || took > time.Minute {
		t.Errorf("it took %s", took)
	}
	return a, err
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	inner := listen(t)
	go func() {
		for {
			conn, err := inner.Accept()
			if err != nil {
				return
			}
			hits.Add(1)
			_ = conn.Close()
		}
	}()
	c, url := local(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.URL.Query().Get("code"))
		http.Redirect(w, r, "http://"+inner.Addr().String()+"/latest/meta-data", code)
	}), nil)
	for _, code := range []string{"301", "302", "303", "307", "308"} {
		a, err := post(t, c, url+"/?code="+code)
		if err != nil || strconv.Itoa(a.Status) != code {
			t.Errorf("%s: %d %v", code, a.Status, err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d redirects were followed", hits.Load())
	}
}

func TestAnswersAreKeptUpToALimit(t *testing.T) {
	t.Parallel()
	c, url := local(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		_, _ = io.Copy(w, io.LimitReader(zeros{}, int64(n)))
	}), nil)
	for _, n := range []int{0, 10, MaxAnswer, MaxAnswer + 1, 64 << 20} {
		a, err := post(t, c, url+"/?n="+strconv.Itoa(n))
		if err != nil || len(a.Body) != min(n, MaxAnswer) || a.Cut != (n > MaxAnswer) {
			t.Errorf("%d bytes: kept %d, cut %v: %v", n, len(a.Body), a.Cut, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFailuresAreToldByOneWord(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	c, url := local(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			<-hang
		case "/drip":
			for {
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				select {
				case <-hang:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
		case "/reset":
			conn, _, _ := http.NewResponseController(w).Hijack()
			_ = conn.Close()
		case "/headers":
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		case "/short":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("x"))
		}
	}), func(c *Config) { c.Timeout = 300 * time.Millisecond })
	t.Cleanup(func() { close(hang) })
	stranger, strangerURL := local(t, http.NotFoundHandler(), func(c *Config) { c.RootCAs = x509.NewCertPool() })
	closed := listen(t)
	_ = closed.Close()
	nobody := New(Config{Ports: []int{closed.Addr().(*net.TCPAddr).Port}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	for _, test := range []struct {
		c         *Client
		url, word string
	}{
		{c, url + "/hang", TimedOut}, {c, url + "/drip", TimedOut}, {c, url + "/reset", Broken}, {c, url + "/headers", Broken}, {c, url + "/short", Broken},
		{stranger, strangerURL, TLS}, {nobody, "https://" + closed.Addr().String(), Connect},
		{New(Config{}), "https://127.0.0.1/", Refused}, {New(Config{Resolver: names{}}), "https://nowhere.example/", Name},
	} {
		_, err := post(t, test.c, test.url)
		var f *CallError
		if !errors.As(err, &f) || f.Word != test.word {
			t.Errorf("%s: %v, want %s", test.url, err, test.word)
		}
	}
}

func TestTheEgressProxyIsToldTheCheckedAddress(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	ln := listen(t)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go proxy(conn, asked)
		}
	}()
	c, target := local(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }), func(c *Config) {
		c.Proxy = &url.URL{Scheme: "http", Host: ln.Addr().String(), User: url.UserPassword("us", "secret")}
		c.Resolver = fixed("127.0.0.1")
	})
	u, _ := url.Parse(target)
	a, err := post(t, c, "https://example.com:"+u.Port()+"/") // the name in the test server's certificate
	if err != nil || string(a.Body) != "hello" {
		t.Fatalf("%q %v", a.Body, err)
	}
	if got := <-asked; got != u.Host+" Basic dXM6c2VjcmV0" {
		t.Errorf("the proxy was asked for %q, want %s", got, u.Host)
	}
	refused := New(Config{Proxy: c.config.Proxy, Resolver: fixed("10.0.0.1")})
	if _, err := post(t, refused, "https://shop.example/"); !errors.Is(err, ErrRefused) {
		t.Errorf("a private address through the proxy: %v", err)
	}
	select {
	case got := <-asked:
		t.Errorf("the proxy was asked for %s", got)
	default:
	}
}

type fixed string

func (f fixed) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr(string(f))}, nil
}

// proxy answers one CONNECT and carries bytes both ways.
func proxy(conn net.Conn, asked chan<- string) {
	defer func() { _ = conn.Close() }()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil || req.Method != http.MethodConnect {
		return
	}
	asked <- req.Host + " " + req.Header.Get("Proxy-Authorization")
	out, err := (&net.Dialer{}).DialContext(req.Context(), "tcp", req.Host)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(out, conn) }()
	_, _ = io.Copy(conn, out)
}
