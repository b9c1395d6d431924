package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
)

// Client is where the agent is, or what it left.
type Client struct {
	Control string // path of the socket; "": beside the state
	Named   bool   // by a person: it is trusted whoever its owner is
	State   string // path of the state file, or of what stands for it beside a store that instances share; "": there is none
	History string // directory of the history; "": beside the state
	JSON    bool   // answers as the API gives them

	// Outside opens the store that instances share, as --state names it. It is nil where State is a file.
	Outside func(context.Context) (poller.Outside, error)
	Store   string // what --state names

	Out, Err io.Writer
	Terminal bool // Out is one
	Width    int  // of it, in columns; 0: no matter
}

// NothingError says that there is neither an agent nor a state. The program ends
// with 4 on it.
type NothingError struct {
	control, state string
	shared         bool // state is a store that instances share
}

func (e *NothingError) Error() string {
	if e.shared {
		return fmt.Sprintf("no agent answers on this host, and there is no state in %s: name the store of the instances with --state, or start kitops", e.state)
	}
	return fmt.Sprintf("no agent answers at %s, and there is no state file %s: name the one of the agent with --state-file, or start kitops", e.control, e.state)
}

// socket is where the agent listens.
func (c *Client) socket() string { return api.Config{Path: c.Control}.Of(c.State) }

// errNoAgent says that nobody listens at the socket.
var errNoAgent = errors.New("no agent runs")

// dialTime is how long an agent may take to accept a connection.
const dialTime = 5 * time.Second

// do sends a request to the agent. The error is errNoAgent where none listens.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	path := c.socket()
	if path == "" {
		return nil, errNoAgent
	}
	if err := c.trust(path); err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTime)
		defer cancel()
		return api.Dial(ctx, path)
	}}}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, errNoAgent
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the agent at %s takes orders and questions of its own user, of root and of the members of --control-group, not of others, such as its actions' --action-user", path)
	case err != nil:
		return nil, fmt.Errorf("ask the agent at %s: %w", path, unwrapped(err))
	}
	return resp, nil
}

// ask sends a request and decodes the answer into to.
func (c *Client) ask(ctx context.Context, method, path string, to any) error {
	return c.send(ctx, method, path, http.NoBody, to)
}

// send is ask with a body.
func (c *Client) send(ctx context.Context, method, path string, body io.Reader, to any) error {
	answer, err := c.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Close() }()
	if err := json.NewDecoder(answer).Decode(to); err != nil {
		return fmt.Errorf("read the agent's answer: %w", err)
	}
	return nil
}

// open sends a request and returns the body of the answer. What the agent refuses is an error.
func (c *Client) open(ctx context.Context, method, path string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://kitops/api/v1/"+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	problem := api.Problem{Status: resp.StatusCode, Detail: resp.Status}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&problem); err != nil {
		return nil, fmt.Errorf("the agent answers %s", resp.Status)
	}
	return nil, &problem
}

// unwrapped is the error without the address, which says nothing here.
func unwrapped(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// left opens the state file that an agent has left, without changing anything.
func (c *Client) left() (store.Store, error) {
	if _, err := os.Stat(c.State); errors.Is(err, fs.ErrNotExist) {
		return nil, &NothingError{c.socket(), c.State, false}
	}
	return file.Read(c.State)
}

// kept is the history that an agent has left.
func (c *Client) kept() (*history.History, error) {
	if c.State == "" && c.History == "" {
		return nil, errors.New("no agent answers on this host, and each instance keeps its history for itself: ask on the host of one, or name its directory with KITOPS_HISTORY")
	}
	real, err := filepath.EvalSymlinks(c.State)
	if err != nil {
		real = c.State
	}
	dir := history.Config{Dir: c.History}.At(real)
	if dir == "" {
		return nil, errors.New("the history is off (KITOPS_HISTORY)")
	}
	h, err := history.Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := c.left(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("there is no history in %s: nothing has run, or it is off", dir)
	}
	return h, err
}

// escaped is a name as a part of a path.
func escaped(name string) string { return url.PathEscape(name) }

// query is a list of names and values without those that are empty.
func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}
