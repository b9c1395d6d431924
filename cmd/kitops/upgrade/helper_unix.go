//go:build unix

package upgrade

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/cmd/kitops/release"
	"github.com/bittrance/kitops/poller/files"
)

// copyPrefix begins the names of copies of offers.
const copyPrefix = ".kitops-offer-"

// Helper installs what was offered, as root. It takes no version, no path and no
// command from an offer, and reads it once.
type Helper struct {
	Spool    string // where others leave offers
	Private  string // root's own: copies, and the newest version that was installed
	Program  string // what is replaced
	Current  string
	Platform string
	Keys     []release.Key
	Memory   Memory // of the agent; "": none
	Trier    Trier  // tries the new program, never as root
	Out      io.Writer

	copied func() // of tests: the copy is made, nothing is verified yet
}

// Run restores the former program if the agent has given the new one up, then
// installs what was offered.
func (h *Helper) Run(ctx context.Context) error {
	for _, path := range []string{h.Private, string(h.Memory)} {
		if path == "" {
			continue
		}
		dir, err := files.OpenDir(path) // refused if others could change it
		if err != nil {
			return err
		}
		dir.Close()
	}
	err := h.restore()
	offer, taken := h.take(ctx)
	if offer == nil {
		return errors.Join(err, taken)
	}
	defer discard(offer)
	if h.copied != nil {
		h.copied()
	}
	return errors.Join(err, taken, h.install(ctx, offer))
}

// restore does what the agent may not.
func (h *Helper) restore() error {
	r, err := h.Memory.Record()
	swap := &Swap{Target: h.Program}
	if err != nil || r == nil || r.Starts <= mostStarts || same(h.Program, swap.Old()) {
		return err
	}
	if err := swap.Restore(); err != nil {
		return fmt.Errorf("put kitops %s back: %w", r.From, err)
	}
	fmt.Fprintf(h.Out, "kitops %s is put back, %s was not good.\n", r.From, r.To)
	return nil
}

// take copies the offer into a file of root's own, and removes it: it is not
// offered twice. Nil is none.
func (h *Helper) take(ctx context.Context) (copied *os.File, err error) {
	path := filepath.Join(h.Spool, offerFile)
	defer sweepAbandoned(h.Spool, offeringPrefix)
	sweepAbandoned(h.Private, copyPrefix, archivePrefix)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, syscall.ENOENT) {
		return nil, nil
	}
	defer func() { err = errors.Join(err, files.RemoveTree(ctx, path)) }()
	if err != nil {
		return nil, fmt.Errorf("open the offer: %w", err)
	}
	offer := os.NewFile(uintptr(fd), path)
	defer offer.Close()
	info, err := offer.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("the offer is no regular file (%s)", info.Mode().Type())
	case info.Size() > maxOffer:
		return nil, fmt.Errorf("the offer is larger than any: %d bytes", info.Size())
	}
	file, err := os.CreateTemp(h.Private, copyPrefix+"*")
	if err != nil {
		return nil, err
	}
	if err := copyAtMost(file, offer, maxOffer, "the offer"); err != nil {
		discard(file)
		return nil, err
	}
	return file, nil
}

// install verifies the copy and puts its program in place.
func (h *Helper) install(ctx context.Context, offer *os.File) error {
	r, archive, err := h.open(offer)
	if err != nil {
		return fmt.Errorf("the offer is refused: %w", err)
	}
	defer discard(archive)
	own := Memory(h.Private)
	history, err := own.History()
	if err != nil {
		return err
	}
	for _, floor := range []string{h.Current, history.Floor} {
		if !release.Newer(r.Version, floor) {
			return fmt.Errorf("the offer is refused: kitops %s is not newer than %s", r.Version, floor)
		}
	}
	_, sum, err := r.Archive(h.Platform)
	if err != nil {
		return fmt.Errorf("the offer is refused: %w", err)
	}
	swap := &Swap{Target: h.Program}
	program, err := swap.begin()
	if err != nil {
		return err
	}
	defer func() { discard(program) }()
	if err := release.Unpack(archive, sum, program); err != nil {
		return fmt.Errorf("the offer is refused: %w", err)
	}
	if err := swap.seal(program); err != nil {
		return err
	}
	if err := h.Trier.Try(ctx, program.Name(), r.Version); err != nil {
		return fmt.Errorf("kitops %s does not work here, nothing is changed: %w", r.Version, err)
	}
	up := Upgrade{Memory: h.Memory, Current: h.Current, Program: h.Program, Out: h.Out}
	if err := up.install(swap, program.Name(), r.Version); err != nil {
		return err // and the same may be offered again
	}
	return own.good(r.Version, nil)
}

// open verifies the signed text in an offer, and copies the archive out of it
// that the text names for this platform.
func (h *Helper) open(offer *os.File) (_ *release.Release, archive *os.File, err error) {
	if _, err := offer.Seek(0, io.SeekStart); err != nil {
		return nil, nil, err
	}
	r := tar.NewReader(offer)
	var texts [2][]byte
	for i, name := range []string{release.Checksums, release.Signature} {
		if err := next(r, name); err != nil {
			return nil, nil, err
		}
		if texts[i], err = io.ReadAll(io.LimitReader(r, release.MaxText)); err != nil {
			return nil, nil, err
		}
	}
	found, err := release.Verify(texts[0], texts[1], h.Keys)
	if err != nil {
		return nil, nil, err
	}
	name, _, err := found.Archive(h.Platform)
	if err != nil {
		return nil, nil, err
	}
	if err := next(r, name); err != nil {
		return nil, nil, err
	}
	archive, err = os.CreateTemp(h.Private, archivePrefix+"*")
	if err != nil {
		return nil, nil, err
	}
	if err := copyAtMost(archive, r, release.MaxArchive, name); err != nil {
		discard(archive)
		return nil, nil, err
	}
	return found, archive, nil
}

// next is the file that must come now.
func next(r *tar.Reader, name string) error {
	header, err := r.Next()
	if err == nil && (header.Name != name || header.Typeflag != tar.TypeReg) {
		err = fmt.Errorf("it has %q where %s belongs", header.Name, name)
	}
	return err
}

// AsUser makes a program another user's, without this one's groups.
func AsUser(uid, gid int) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
}
