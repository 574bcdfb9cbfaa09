package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file that browsers keep for ever under the name of its content.
type asset struct {
	version, kind string
	plain, packed []byte
}

type assets struct{ files map[string]asset }

func loadAssets() *assets {
	a := &assets{files: map[string]asset{}}
	err := fs.WalkDir(assetFiles, "assets", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := assetText(file)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is one of its own
		if _, err := z.Write(text); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		a.files[entry.Name()] = asset{hex.EncodeToString(sum[:6]), mime.TypeByExtension(path.Ext(file)), text, packed.Bytes()}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return a
}

// assetText is the file as it is served.
func assetText(file string) ([]byte, error) {
	text, err := assetFiles.ReadFile(file)
	if err != nil || path.Base(file) != chatFile {
		return text, err
	}
	sheet, err := assetFiles.ReadFile("assets/" + chatSheet)
	if err != nil {
		return nil, err
	}
	return chatScript(text, sheet)
}

// path is where browsers find the file. A name that is none fails the page.
func (a *assets) path(name string) (string, error) {
	f, ok := a.files[name]
	if !ok {
		return "", fs.ErrNotExist
	}
	return "/assets/" + f.version + "/" + name, nil
}

func (a *assets) serve(c *fiber.Ctx) error {
	f, ok := a.files[c.Params("file")]
	if !ok || f.version != c.Params("version") {
		return fiber.ErrNotFound
	}
	c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	f.send(c)
	return nil
}

// send answers with the file, packed for who can unpack.
func (f asset) send(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentType, f.kind)
	c.Vary(fiber.HeaderAcceptEncoding)
	if strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") && len(f.packed) < len(f.plain) {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		c.Response().SetBodyRaw(f.packed)
		return
	}
	c.Response().SetBodyRaw(f.plain)
}
