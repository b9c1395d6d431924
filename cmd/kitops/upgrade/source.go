package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/bittrance/kitops/cmd/kitops/release"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/hosts"
)

const (
	answerLimit   = 30 * time.Second // for the head of an answer
	downloadLimit = 10 * time.Minute // for all of an upgrade's downloads
)

// archivePrefix begins the names of archives that are copied.
const archivePrefix = ".kitops-archive-"

// source is where the files of a release are: it copies one into w.
type source func(ctx context.Context, name string, limit int64, w io.Writer) error

// folder has the files of one release.
func folder(dir string) source {
	return func(_ context.Context, name string, limit int64, w io.Writer) error {
		file, err := files.OpenRegular(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer file.Close()
		return copyAtMost(w, file, limit, name)
	}
}

// web has them below an address.
func web(client *http.Client, base *url.URL, agent string) source {
	return func(ctx context.Context, name string, limit int64, w io.Writer) error {
		answer, err := get(ctx, client, base.JoinPath(name), agent)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", base.JoinPath(name).Redacted(), answer.Status)
		}
		return copyAtMost(w, answer.Body, limit, name)
	}
}

func get(ctx context.Context, client *http.Client, address *url.URL, agent string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", agent)
	return client.Do(request)
}

func copyAtMost(w io.Writer, r io.Reader, limit int64, name string) error {
	n, err := io.Copy(w, io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", name, err)
	case n > limit:
		return fmt.Errorf("%s is larger than any of kitops", name)
	}
	return nil
}

// source returns where the wanted release is.
func (u *Upgrade) source(ctx context.Context) (source, error) {
	if u.From != "" && !strings.Contains(u.From, "://") {
		return folder(u.From), nil
	}
	client := &http.Client{Transport: transport(), CheckRedirect: secure}
	address := u.Releases
	if u.From != "" {
		address = u.From
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if err := plain(base); err != nil {
		return nil, err
	}
	if u.From != "" {
		return web(client, base, u.Agent), nil
	}
	version := u.To
	if version == "" {
		if version, err = latest(ctx, client, base, u.Agent); err != nil {
			return nil, err
		}
	}
	return web(client, base.JoinPath("download", "v"+version), u.Agent), nil
}

// Latest is the version of the newest release of a program on GitHub, by the address of the page with its releases.
func Latest(ctx context.Context, releases, agent string) (string, error) {
	base, err := url.Parse(releases)
	if err != nil {
		return "", err
	}
	return latest(ctx, &http.Client{Transport: transport()}, base, agent)
}

// latest asks for the newest release by the redirect of its page, which has no
// limit by address, as the API has.
func latest(ctx context.Context, client *http.Client, releases *url.URL, agent string) (string, error) {
	once := *client
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := get(ctx, &once, releases.JoinPath("latest"), agent)
	if err != nil {
		return "", err
	}
	_ = answer.Body.Close()
	where, err := answer.Location()
	if err != nil {
		return "", fmt.Errorf("GET %s: %s, and no release that it leads to", answer.Request.URL.Redacted(), answer.Status)
	}
	tag := path.Base(where.Path)
	if !semver.IsValid(tag) {
		return "", fmt.Errorf("%s leads to %q, which is no release", answer.Request.URL.Redacted(), where.Redacted())
	}
	return strings.TrimPrefix(tag, "v"), nil
}

// secure follows redirects, but not to where others can listen.
func secure(request *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("too many redirects")
	}
	return plain(request.URL)
}

// plain refuses what is not https, unless it stays on this machine.
func plain(address *url.URL) error {
	if address.Scheme == "https" || address.Scheme == "http" && hosts.Loopback(address.Hostname()) {
		return nil
	}
	return fmt.Errorf("%s is not https", address.Redacted())
}

func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = answerLimit
	return t
}

// verified reads and verifies the text of the release.
func (u *Upgrade) verified(ctx context.Context, from source) (*release.Release, []byte, []byte, error) {
	var text, signature strings.Builder
	if err := from(ctx, release.Checksums, release.MaxText, &text); err != nil {
		return nil, nil, nil, err
	}
	if err := from(ctx, release.Signature, release.MaxText, &signature); err != nil {
		return nil, nil, nil, err
	}
	r, err := release.Verify([]byte(text.String()), []byte(signature.String()), u.Keys)
	return r, []byte(text.String()), []byte(signature.String()), err
}

// download copies an archive into a file of kitops' own.
func (u *Upgrade) download(ctx context.Context, from source, name string) (*os.File, error) {
	sweepAbandoned(u.Scratch, archivePrefix)
	file, err := os.CreateTemp(u.Scratch, archivePrefix+"*")
	if err != nil {
		return nil, err
	}
	if err := from(ctx, name, release.MaxArchive, file); err != nil {
		discard(file)
		return nil, err
	}
	return file, nil
}

// abandoned is how old what is being written is when nobody writes it any more.
const abandoned = time.Hour

// sweepAbandoned removes what killed upgrades were writing in a folder.
func sweepAbandoned(dir string, prefixes ...string) {
	entries, _ := os.ReadDir(cmp.Or(dir, os.TempDir()))
	for _, entry := range entries {
		begins := func(prefix string) bool { return strings.HasPrefix(entry.Name(), prefix) }
		if !slices.ContainsFunc(prefixes, begins) {
			continue
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(filepath.Join(cmp.Or(dir, os.TempDir()), entry.Name()))
		}
	}
}

func discard(file *os.File) {
	file.Close()
	_ = os.Remove(file.Name())
}
