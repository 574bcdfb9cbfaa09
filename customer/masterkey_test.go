package customer_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"doorstep/customer"
)

func TestTheMasterKeyIsMadeOnceAndKeptForItsOwner(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there")
	keys := make([][]byte, 16)
	var all sync.WaitGroup
	for i := range keys { // programs that start at the same time
		all.Go(func() {
			var err error
			if keys[i], err = customer.LoadMasterKey(dir, ""); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, k := range keys {
		if len(k) != 32 || !bytes.Equal(k, keys[0]) {
			t.Fatal("two programs have two keys")
		}
	}
	again, err := customer.LoadMasterKey(dir, "  ")
	if err != nil || !bytes.Equal(again, keys[0]) {
		t.Fatalf("the next start has another key: %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != "master.key" {
		t.Fatalf("%v %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	if _, err := customer.NewVault(again); err != nil {
		t.Fatal(err)
	}
	other, err := customer.LoadMasterKey(t.TempDir(), "")
	if err != nil || bytes.Equal(other, again) {
		t.Fatalf("another folder has the same key: %v", err)
	}
}

func TestAMasterKeyFromTheSettingsGoesBeforeTheFile(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte{0xfb, 0xff}, 16) // + and / in base64
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		dir := t.TempDir()
		got, err := customer.LoadMasterKey(dir, e.EncodeToString(want)+"\n")
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v %v", got, err)
		}
		if files, _ := os.ReadDir(dir); len(files) != 0 {
			t.Errorf("made %v", files)
		}
	}
}

func TestAMasterKeyThatIsNoneIsSaidAndNeverShown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		base64.StdEncoding.EncodeToString(make([]byte, 31)): "31 bytes",
		base64.StdEncoding.EncodeToString(make([]byte, 33)): "33 bytes",
		"correct horse battery staple":                      "not base64",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "master.key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, config := range []string{text, ""} {
			key, err := customer.LoadMasterKey(dir, config)
			if key != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), text) {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
	// An empty file is a broken one: a fresh key would lock everybody's data away.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "master.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err := customer.LoadMasterKey(dir, ""); key != nil || err == nil {
		t.Errorf("%v %v", key, err)
	}
}

func TestAFolderThatCannotHoldTheMasterKeyIsSaid(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err := customer.LoadMasterKey(file, ""); key != nil || err == nil {
		t.Errorf("%v %v", key, err)
	}
}
