package customer

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	masterKeyFile = "master.key"
	masterKeySize = 32
)

// LoadMasterKey gives the 32 bytes that seal people's data: fromConfig in
// base64 when it is set, otherwise the file master.key in dir, which is made,
// readable by its owner only, at the first start. Programs that start at the
// same time get the same key. No error shows any of it.
func LoadMasterKey(dir, fromConfig string) ([]byte, error) {
	if strings.TrimSpace(fromConfig) != "" {
		key, err := decodeMasterKey(fromConfig)
		if err != nil {
			return nil, fmt.Errorf("customer: the master key in the settings %w", err)
		}
		return key, nil
	}
	path := filepath.Join(dir, masterKeyFile)
	key, err := readMasterKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeMasterKey(dir, path); err != nil {
		return nil, fmt.Errorf("customer: the master key cannot be kept in %s (it can also be given in the environment): %w", dir, err)
	}
	return readMasterKey(path)
}

func decodeMasterKey(text string) ([]byte, error) {
	// Both alphabets and both endings are in use; what they mean is the same.
	text = strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(strings.TrimSpace(text))
	key, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("is not base64") // the cause would quote the key
	}
	if len(key) != masterKeySize {
		return nil, fmt.Errorf("has %d bytes, want %d in base64", len(key), masterKeySize)
	}
	return key, nil
}

func readMasterKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("customer: master key: %w", err)
	}
	key, err := decodeMasterKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("customer: the master key in %s %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("customer: master key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		slog.Warn("others on this machine can read the master key; make it readable by its owner only", "file", path, "mode", mode.String())
	}
	return key, nil
}

// makeMasterKey writes a fresh key beside path and then links it there, which
// fails when another program was first: whoever reads path sees a whole key and
// always the same one.
func makeMasterKey(dir, path string) error {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // the private database in this folder is another user's
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, masterKeyFile+".*") // CreateTemp gives 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }() // what stays is as safe as the key beside it
	key := make([]byte, masterKeySize)
	_, _ = rand.Read(key) // crypto/rand never fails: it ends the program instead
	_, err = draft.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err == nil {
		err = draft.Sync()
	}
	if err = errors.Join(err, draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(dir)
}

// syncFolder makes a new name in a folder outlast a power cut. Windows has no
// such call and needs none.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
