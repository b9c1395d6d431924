package upgrade

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/release"
)

// helped is a machine whose agent may not write where the program is.
type helped struct {
	*machine
	helper Helper
	spool  string
	said   bytes.Buffer
}

func newHelped(t *testing.T) *helped {
	t.Helper()
	m := newMachine(t, "0.1.0")
	h := &helped{machine: m, spool: filepath.Join(m.dir, "spool")}
	for _, name := range []string{"spool", "private"} {
		if err := os.Mkdir(filepath.Join(m.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	m.Spool = h.spool
	h.helper = Helper{
		Spool: h.spool, Private: filepath.Join(m.dir, "private"), Program: m.Program, Current: "0.1.0", Platform: platform,
		Keys: known(), Memory: m.Memory, Out: &h.said,
	}
	return h
}

// leave leaves an offer of a version, signed by a key.
func (h *helped) leave(t *testing.T, version string, program string, key ed25519.PrivateKey) {
	t.Helper()
	publish(t, h.release, version, program, key)
	name := "kitops_" + version + "_" + platform + ".tar.gz"
	archive, err := os.Open(filepath.Join(h.release, name))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	var offer bytes.Buffer
	if err := writeOffer(&offer, []byte(content(t, filepath.Join(h.release, release.Checksums))), []byte(content(t, filepath.Join(h.release, release.Signature))), name, archive); err != nil {
		t.Fatal(err)
	}
	put(t, h.offer(), offer.String())
}

func (h *helped) offer() string { return filepath.Join(h.spool, offerFile) }

func TestHelperInstallsAnOffer(t *testing.T) {
	t.Parallel()
	h := newHelped(t)
	if err := h.helper.Run(t.Context()); err != nil || h.said.Len() > 0 {
		t.Errorf("without an offer: %v, %s", err, &h.said)
	}
	// Left by the command, whose program is where it may not write.
	publish(t, h.release, "0.2.0", script("0.2.0"), private(1))
	from := folder(h.release)
	_, text, signature, err := h.verified(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := h.download(t.Context(), from, "kitops_0.2.0_linux_amd64.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer discard(archive)
	r, err := release.Verify(text, signature, known())
	if err != nil {
		t.Fatal(err)
	}
	_, sum, _ := r.Archive(platform)
	if err := h.Upgrade.offer(text, signature, "kitops_0.2.0_linux_amd64.tar.gz", sum, archive); err != nil || h.files(t, "spool") != "[offer]" {
		t.Fatal(err, h.files(t, "spool"))
	}
	if err := h.helper.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if content(t, h.Program) != script("0.2.0") || content(t, h.Program+".old") != script("0.1.0") || h.files(t, "spool") != "[]" || h.files(t, "private") != "[upgraded.yaml]" {
		t.Errorf("program %q; spool %s, private %s", content(t, h.Program), h.files(t, "spool"), h.files(t, "private"))
	}
	if r, err := h.Memory.Record(); err != nil || r == nil || *r != (Record{From: "0.1.0", To: "0.2.0"}) {
		t.Errorf("%+v, %v", r, err)
	}
	// The agent gives it up, and root puts the other back; the same is not offered again.
	if err := h.Memory.write(recordFile, Record{From: "0.1.0", To: "0.2.0", Starts: mostStarts + 1}); err != nil {
		t.Fatal(err)
	}
	h.leave(t, "0.2.0", script("0.2.0"), private(1))
	if err := h.helper.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "kitops 0.2.0 is not newer than 0.2.0") {
		t.Errorf("error %v", err)
	}
	if !same(h.Program, h.Program+".old") || content(t, h.Program) != script("0.1.0") || !strings.Contains(h.said.String(), "kitops 0.1.0 is put back, 0.2.0 was not good") {
		t.Errorf("program %q, said %s", content(t, h.Program), &h.said)
	}
}

// TestHelperThatCouldNotInstall takes the same offer another time.
func TestHelperThatCouldNotInstall(t *testing.T) {
	t.Parallel()
	h := newHelped(t)
	h.leave(t, "0.2.0", script("0.2.0"), private(1))
	obstacle := h.Program + ".old"
	if err := os.MkdirAll(filepath.Join(obstacle, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := h.helper.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "replace "+h.Program) {
		t.Fatal(err)
	}
	if err := os.RemoveAll(obstacle); err != nil {
		t.Fatal(err)
	}
	h.leave(t, "0.2.0", script("0.2.0"), private(1))
	if err := h.helper.Run(t.Context()); err != nil || content(t, h.Program) != script("0.2.0") {
		t.Errorf("%v, program %q", err, content(t, h.Program))
	}
}

// TestHelperIsAttacked: whoever may leave offers changes nothing but by a newer release that is signed.
func TestHelperIsAttacked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		attack func(h *helped)
		want   string
	}{
		"link": {func(h *helped) {
			t := h.t
			h.leave(t, "0.2.0", script("0.2.0"), private(1))
			precious := filepath.Join(h.dir, "precious")
			if os.Rename(h.offer(), precious) != nil || os.Symlink(precious, h.offer()) != nil {
				t.Fatal("no link")
			}
		}, "too many levels of symbolic links"},
		"pipe": {func(h *helped) {
			t := h.t
			if err := syscall.Mkfifo(h.offer(), 0o666); err != nil {
				t.Fatal(err)
			}
		}, "no regular file"},
		"folder": {func(h *helped) {
			t := h.t
			if err := os.MkdirAll(filepath.Join(h.offer(), "a", "b"), 0o777); err != nil {
				t.Fatal(err)
			}
		}, "no regular file"},
		"2 GB": {func(h *helped) {
			t := h.t
			put(t, h.offer(), "")
			if err := os.Truncate(h.offer(), 2<<30); err != nil {
				t.Fatal(err)
			}
		}, "larger than any: 2147483648 bytes"},
		"older":    {func(h *helped) { h.leave(h.t, "0.0.9", script("0.0.9"), private(1)) }, "kitops 0.0.9 is not newer than 0.1.0"},
		"the same": {func(h *helped) { h.leave(h.t, "0.1.0", script("0.1.0"), private(1)) }, "kitops 0.1.0 is not newer than 0.1.0"},
		"below floor": {func(h *helped) {
			t := h.t
			put(t, h.dir+"/private/upgraded.yaml", "floor: 0.3.0\n")
			h.leave(t, "0.2.0", script("0.2.0"), private(1))
		}, "not newer than 0.3.0"},
		"unsigned": {func(h *helped) { h.leave(h.t, "0.2.0", script("0.2.0"), private(3)) }, "not signed by a key"},
		"platform": {func(h *helped) {
			t := h.t
			h.helper.Platform = "linux_arm64"
			h.leave(t, "0.2.0", script("0.2.0"), private(1))
		}, "not released for linux_arm64"},
		"nonsense": {func(h *helped) { put(h.t, h.offer(), strings.Repeat("x", 2000)) }, "the offer is refused"},
		"cut off": {func(h *helped) {
			t := h.t
			h.leave(t, "0.2.0", script("0.2.0"), private(1))
			whole := content(t, h.offer())
			put(t, h.offer(), whole[:len(whole)-1800])
		}, "unexpected EOF"},
		"does not work": {func(h *helped) { h.leave(h.t, "0.2.0", "#!/bin/sh\nexit 3", private(1)) }, "exit status 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHelped(t)
			c.attack(h)
			if err := h.helper.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if content(t, h.Program) != script("0.1.0") || h.files(t, "bin") != "[kitops]" || h.files(t, "spool") != "[]" {
				t.Errorf("program %q; bin %s, spool %s", content(t, h.Program), h.files(t, "bin"), h.files(t, "spool"))
			}
			if private := h.files(t, "private"); private != "[]" && private != "[upgraded.yaml]" || h.files(t, "state") != "[]" {
				t.Errorf("left %s, %s", private, h.files(t, "state"))
			}
		})
	}
}

// TestOfferThatChangesAfterItsCopy: the copy is what is verified, and what is installed.
func TestOfferThatChangesAfterItsCopy(t *testing.T) {
	t.Parallel()
	h := newHelped(t)
	h.leave(t, "0.2.0", script("0.2.0"), private(1))
	held, err := os.OpenFile(h.offer(), os.O_WRONLY, 0) // as the one who has left it
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	h.helper.copied = func() {
		if _, err := held.WriteAt(bytes.Repeat([]byte("evil"), 1000), 0); err != nil {
			t.Error(err)
		}
		h.leave(t, "0.3.0", "#!/bin/sh\necho evil", private(3))
	}
	if err := h.helper.Run(t.Context()); err != nil || content(t, h.Program) != script("0.2.0") {
		t.Errorf("%v, program %q", err, content(t, h.Program))
	}
}

// TestNewProgramIsTriedAsAnother than root, and without its groups.
func TestNewProgramIsTriedAsAnother(t *testing.T) {
	t.Parallel()
	const nobody = 65534
	h := newHelped(t)
	uid := os.Geteuid()
	if uid == 0 { // who alone can become another
		uid = nobody
		h.helper.Trier.As = AsUser(nobody, nobody)
		for _, dir := range []string{filepath.Dir(h.dir), h.dir} { // t.TempDir makes both
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.leave(t, "0.2.0", script("0.2.0")+`[ "$(id -u) $(id -G)" = "`+strconv.Itoa(uid)+` `+groups(uid)+`" ] || { id >&2; exit 9; }`, private(1))
	if err := h.helper.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

// groups are those that are left: of root none but the one it was given.
func groups(uid int) string {
	if os.Geteuid() == 0 {
		return strconv.Itoa(uid)
	}
	all, _ := os.Getgroups()
	return strings.Trim(fmt.Sprint(all), "[]")
}

func FuzzOffer(f *testing.F) {
	f.Add([]byte("checksums.txt"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "offer")
		put(t, path, string(data))
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		h := Helper{Private: dir, Platform: platform, Keys: known(), Out: io.Discard}
		if r, _, err := h.open(file); err == nil {
			t.Errorf("%+v is signed", r)
		}
	})
}
