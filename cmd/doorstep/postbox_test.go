package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
)

// postbox is a mail server that takes everything and forgets nothing: it outlives
// the programs that send to it.
type postbox struct {
	url string
	mu  sync.Mutex
	got map[string]map[string]int // receiver -> Message-ID -> how often
}

func newPostbox(t testing.TB) *postbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &postbox{url: fmt.Sprintf("smtp://%s?starttls=none", l.Addr()), got: map[string]map[string]int{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = conn.Close() }()
				b.talk(conn)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close() }) // whoever still talks ends with the program
	return b
}

// talk receives mails until the other side hangs up. A mail counts when all of it
// has come, whether or not our yes arrives.
func (b *postbox) talk(conn net.Conn) {
	in := textproto.NewReader(bufio.NewReader(conn))
	say := func(line string) bool { _, err := io.WriteString(conn, line+"\r\n"); return err == nil }
	to := ""
	for ok := say("220 postbox"); ok; {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "RCPT":
			_, after, _ := strings.Cut(rest, "<")
			to, _, _ = strings.Cut(after, ">")
			ok = say("250 ok")
		case "DATA":
			if ok = say("354 go on"); !ok {
				return
			}
			mail := bufio.NewReader(in.DotReader())
			header, err := textproto.NewReader(mail).ReadMIMEHeader()
			if _, e := io.Copy(io.Discard, mail); err != nil || e != nil {
				return // cut off: it never came
			}
			b.keep(to, header.Get("Message-ID"))
			ok = say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			ok = say("250 ok")
		}
	}
}

func (b *postbox) keep(to, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.got[to] == nil {
		b.got[to] = map[string]int{}
	}
	b.got[to][strings.Trim(id, "<>")]++
}

// of gives the mails to somebody: their ids, and how often one of them came again.
func (b *postbox) of(to string) (ids []string, again int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.got[to] {
		again = max(again, n-1)
	}
	return slices.Sorted(maps.Keys(b.got[to])), again
}
