package upgrade

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/cmd/kitops/release"
)

// offerFile is the one file in the spool that the helper takes: a tar of the
// signed text, its signature and the archive for this platform.
const offerFile = "offer"

// offeringPrefix begins the names of offers that are being written.
const offeringPrefix = ".offer-"

// maxOffer is what the helper copies at most.
const maxOffer = release.MaxArchive + 2*release.MaxText + 64<<10

// offer leaves a release for the helper. Nothing but the signature says that it
// is one: the helper trusts nothing of it.
func (u *Upgrade) offer(text, signature []byte, name string, sum [sha256.Size]byte, archive *os.File) error {
	if err := release.Unpack(archive, sum, io.Discard); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	file, err := os.CreateTemp(u.Spool, offeringPrefix+"*")
	if err != nil {
		return fmt.Errorf("leave an offer: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if err := errors.Join(writeOffer(file, text, signature, name, archive), file.Chmod(0o600), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("leave an offer: %w", err)
	}
	if err := os.Rename(file.Name(), filepath.Join(u.Spool, offerFile)); err != nil {
		return fmt.Errorf("leave an offer: %w", err)
	}
	fmt.Fprintf(u.Out, "%s is left in %s for kitops-upgrade.service, which installs it.\nAn agent that runs restarts itself when no action runs.\n", name, u.Spool)
	return nil
}

func writeOffer(to io.Writer, text, signature []byte, name string, archive *os.File) error {
	w := tar.NewWriter(to)
	put := func(name string, size int64, content io.Reader) error {
		err := w.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o644})
		if err == nil {
			_, err = io.Copy(w, content)
		}
		return err
	}
	info, err := archive.Stat()
	if err != nil {
		return err
	}
	return errors.Join(
		put(release.Checksums, int64(len(text)), bytes.NewReader(text)),
		put(release.Signature, int64(len(signature)), bytes.NewReader(signature)),
		put(name, info.Size(), io.NewSectionReader(archive, 0, info.Size())),
		w.Close(),
	)
}
