package remote

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bittrance/kitops/poller/secret"
)

const maxAuthenticate = 64 << 10 // bytes of what git-lfs-authenticate says

// LFSServer is where a repository's Git LFS objects are asked for.
type LFSServer struct {
	URL    string                 // of the batch API, without /objects/batch
	Header map[string]secret.Text // for that address and no other
	Agent  string                 // what kitops calls itself
}

// LFS tells where the repository's Git LFS objects are, and what its credentials are there. By ssh the server is asked.
func (m *Access) LFS(ctx context.Context) (LFSServer, error) {
	if m.URL.Scheme == "ssh" {
		return m.lfsBySSH(ctx)
	}
	s, err := m.dialHTTP(ctx)
	if err != nil {
		return LFSServer{}, err
	}
	found := LFSServer{URL: lfsBelow(s.given.base), Agent: m.agent()}
	if s.user.Given() || s.password.Given() {
		pair := s.user.Reveal() + ":" + s.password.Reveal()
		found.Header = map[string]secret.Text{"Authorization": secret.New("Basic " + base64.StdEncoding.EncodeToString([]byte(pair)))}
	}
	return found, nil
}

// lfsBelow is where a repository that says nothing else has it.
func lfsBelow(base string) string {
	if !strings.HasSuffix(base, ".git") {
		base += ".git"
	}
	return base + "/info/lfs"
}

// lfsBySSH runs git-lfs-authenticate, as
// https://github.com/git-lfs/git-lfs/blob/main/docs/api/server-discovery.md has it.
func (m *Access) lfsBySSH(ctx context.Context) (found LFSServer, err error) {
	s, err := m.dialSSHFor(ctx, func(path string) string { return "git-lfs-authenticate " + path + " download" })
	if err != nil {
		return found, err
	}
	s.asked = true // it reads nothing
	defer s.close()
	text, err := io.ReadAll(io.LimitReader(s.stdout, maxAuthenticate+1))
	if err == nil && len(text) > maxAuthenticate {
		err = fmt.Errorf("more than %d bytes", maxAuthenticate)
		_ = s.client.Close() // or it would wait until somebody reads the rest
	}
	switch waited := s.session.Wait(); {
	case ctx.Err() != nil:
		return found, ctx.Err()
	case err == nil:
		err = waited
	}
	if err != nil {
		if said := s.stderr.String(); said != "" {
			err = fmt.Errorf("%w; the server says: %s", err, printable(said))
		}
		return found, fmt.Errorf("git-lfs-authenticate: %w", err)
	}
	var told struct {
		Href   string                 `json:"href"`
		Header map[string]secret.Text `json:"header"`
	}
	if json.Unmarshal(text, &told) != nil {
		return found, errors.New("git-lfs-authenticate: the answer is none of Git LFS")
	}
	if found = (LFSServer{told.Href, told.Header, m.agent()}); found.URL == "" {
		path := strings.Trim(m.URL.Path, "/")
		host := m.URL.Host
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		found.URL = lfsBelow("https://" + host + "/" + path)
	}
	return found, nil
}
