package release

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// Unpack copies the program out of an archive, whose SHA-256 must be sum, into w.
// The archive is read from its beginning, twice.
func Unpack(archive *os.File, sum [sha256.Size]byte, w io.Writer) error {
	hash := sha256.New()
	size, err := io.Copy(hash, io.NewSectionReader(archive, 0, MaxArchive+1))
	switch {
	case err != nil:
		return err
	case size > MaxArchive:
		return errors.New("the archive is larger than any of kitops")
	case [sha256.Size]byte(hash.Sum(nil)) != sum:
		return fmt.Errorf("the archive is not the one that was signed: its SHA-256 is %x, not %x", hash.Sum(nil), sum)
	}
	content := io.NewSectionReader(archive, 0, size)
	program, err := open(content, size)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	copied, err := io.Copy(w, io.LimitReader(program, MaxProgram+1))
	if err == nil && copied > MaxProgram {
		err = errors.New("the program is larger than any of kitops")
	}
	return err
}

// open finds the program in an archive of either kind.
func open(content *io.SectionReader, size int64) (io.Reader, error) {
	packed, err := gzip.NewReader(content)
	if err != nil {
		return openZip(content, size)
	}
	for r := tar.NewReader(io.LimitReader(packed, 2*MaxProgram)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil, errNoProgram
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag == tar.TypeReg && isProgram(header.Name) {
			return r, nil
		}
	}
}

var errNoProgram = errors.New("there is no kitops in it")

func openZip(content *io.SectionReader, size int64) (io.Reader, error) {
	r, err := zip.NewReader(content, size)
	if err != nil {
		return nil, err
	}
	for _, file := range r.File {
		if file.Mode().IsRegular() && isProgram(file.Name) {
			return file.Open()
		}
	}
	return nil, errNoProgram
}

func isProgram(name string) bool { return strings.TrimSuffix(path.Base(name), ".exe") == "kitops" }
