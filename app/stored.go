package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/files"
)

// The files of an App in its folder.
const (
	storedFile   = "app.yaml" // written last: where it is, all is there
	storedKey    = "app.pem"
	storedSecret = "webhook.secret"
	storedClient = "client.secret"

	// storedWhole is written first: all of the App in one file, as long as the others are not all there. GitHub hands out a key
	// only once.
	storedWhole = ".registered.yaml"

	// leftover begins the names of files that are being written, and is there for an hour at most.
	leftover    = ".kitops-"
	leftoverAge = time.Hour
)

// Stored is an App that was registered by kitops setup. Its secrets are in files of their own.
type Stored struct {
	AppID             int64    `yaml:"app_id"`
	ClientID          string   `yaml:"client_id"`
	Name              string   `yaml:"name"`
	Owner             string   `yaml:"owner,omitempty"`
	URL               string   `yaml:"url"`     // the App's public page
	APIURL            string   `yaml:"api_url"` // where it is registered
	PrivateKeyFile    string   `yaml:"private_key_file"`
	WebhookSecretFile string   `yaml:"webhook_secret_file,omitempty"`
	ClientSecretFile  string   `yaml:"client_secret_file,omitempty"` // people log in to the page with it
	With              []string `yaml:"with,omitempty"`               // the features that it was registered for
}

// InstallURL is the page on which the App is installed.
func (s Stored) InstallURL() string { return s.URL + "/installations/new" }

// LoadStored reads the App of a folder, with the names of files made absolute. The error is fs.ErrNotExist when there
// is none.
func LoadStored(dir string) (Stored, error) {
	var s Stored
	path := filepath.Join(dir, storedFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := yaml.Unmarshal(data, &s); err != nil {
		return Stored{}, fmt.Errorf("%s: %w", path, err)
	}
	if s.AppID <= 0 || s.PrivateKeyFile == "" || s.APIURL == "" {
		return Stored{}, fmt.Errorf("%s: app_id, private_key_file or api_url is missing", path)
	}
	return s.in(dir), nil
}

func (s Stored) in(dir string) Stored {
	for _, file := range []*string{&s.PrivateKeyFile, &s.WebhookSecretFile, &s.ClientSecretFile} {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(dir, *file)
		}
	}
	return s
}

// Storable makes the folder if need be and tries whether an App can be stored there: before one is registered, since
// GitHub hands out its key only once. The error is a *SetupError.
func Storable(dir string) error {
	if s, err := LoadStored(dir); err == nil {
		return &SetupError{
			fmt.Sprintf("the App %q is set up already, in %s", s.Name, dir),
			"install it at " + s.InstallURL() + " and run kitops, or name another folder with --dir",
		}
	}
	for _, name := range []string{storedFile, storedKey, storedSecret, storedClient} {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			return &SetupError{path + " is there already", "move it away, or name another folder with --dir"}
		}
	}
	made, err := files.MakeDir(dir, 0o700)
	if err == nil {
		err = errors.Join(made.Close(), probe(dir))
	}
	if err != nil {
		return &SetupError{
			fmt.Sprintf("the App's key cannot be stored in %s (%s)", dir, reason(err)),
			"make the folder writable, or name another one with --dir",
		}
	}
	return nil
}

func probe(dir string) error {
	path := filepath.Join(dir, fmt.Sprintf(".kitops-setup-%d", os.Getpid()))
	if err := WriteNew(path, nil); err != nil {
		return err
	}
	return os.Remove(path)
}

// reason is what the system said, without the name of a temporary file.
func reason(err error) string {
	if e, ok := errors.AsType[*files.NotMineError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// whole is an App in one file.
type whole struct {
	Stored Stored `yaml:"app"`
	Key    string `yaml:"key"`
	Secret string `yaml:"secret,omitempty"`
	Client string `yaml:"client_secret,omitempty"`
}

// Store keeps the App in a folder that is Storable. It overwrites nothing, and leaves nothing of an App that it could
// not store whole. Where it is killed, Resume goes on.
// The secret by which people log in is kept if it is asked for.
func (r Registration) Store(dir string, logins bool) (s Stored, err error) {
	w := whole{
		Stored: Stored{
			AppID: r.ID, ClientID: r.ClientID, Name: r.Name, Owner: r.Owner.Login, URL: r.HTMLURL, APIURL: r.APIURL, PrivateKeyFile: storedKey, With: r.With,
		},
		Key: r.PEM.Reveal(),
	}
	if r.WebhookSecret.Given() {
		w.Stored.WebhookSecretFile, w.Secret = storedSecret, r.WebhookSecret.Reveal()+"\n"
	}
	if logins && r.ClientSecret.Given() {
		w.Stored.ClientSecretFile, w.Client = storedClient, r.ClientSecret.Reveal()+"\n"
	}
	all, err := yaml.Marshal(w)
	if err == nil {
		err = WriteNew(filepath.Join(dir, storedWhole), all)
	}
	if err != nil {
		return s, fmt.Errorf("store the App: %w", err)
	}
	written, err := w.spread(dir)
	if err != nil {
		for _, path := range append(written, filepath.Join(dir, storedWhole)) {
			_ = os.Remove(path)
		}
		return s, fmt.Errorf("store the App: %w", err)
	}
	return w.Stored.in(dir), nil
}

// spread writes the files of the App that are not there yet, and then removes the one that has them all.
func (w whole) spread(dir string) (written []string, err error) {
	description, err := yaml.Marshal(w.Stored)
	if err != nil {
		return nil, fmt.Errorf("describe the App: %w", err)
	}
	contents := [][2]string{{storedKey, w.Key}}
	if w.Secret != "" {
		contents = append(contents, [2]string{storedSecret, w.Secret})
	}
	if w.Client != "" {
		contents = append(contents, [2]string{storedClient, w.Client})
	}
	contents = append(contents, [2]string{storedFile, "# Written by kitops setup. A run without --github-app-id uses this App.\n" + string(description)})
	for _, file := range contents {
		path := filepath.Join(dir, file[0])
		err := WriteNew(path, []byte(file[1]))
		if errors.Is(err, fs.ErrExist) {
			if there, err := os.ReadFile(path); err == nil && string(there) == file[1] {
				continue
			}
		}
		if err != nil {
			return written, err
		}
		written = append(written, path)
	}
	return written, os.Remove(filepath.Join(dir, storedWhole))
}

// Resume returns the App that an earlier setup has stored in a folder, also one that was killed while it did. The
// error is a *SetupError when it cannot be stored, and another one when there is none.
func Resume(dir string) (Stored, error) {
	sweep(dir)
	path := filepath.Join(dir, storedWhole)
	if _, err := os.Lstat(path); err != nil {
		return LoadStored(dir)
	}
	var w whole
	data, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(data, &w)
	}
	if err == nil && (w.Stored.AppID <= 0 || w.Key == "") {
		err = errors.New("app_id or key is missing")
	}
	if err == nil {
		_, err = w.spread(dir)
	}
	if err != nil {
		return Stored{}, &SetupError{
			fmt.Sprintf("%s has an App that cannot be stored (%v)", path, err),
			"mend that, or move the file away, delete that App at GitHub and run kitops setup again",
		}
	}
	return LoadStored(dir)
}

// sweep removes what killed setups were writing.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(entry.Name(), leftover) && info.Mode().IsRegular() && time.Since(info.ModTime()) > leftoverAge {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}

// WriteNew makes a file for its owner only: whole and on disk, or not at all. The error is fs.ErrExist when there is
// one of that name.
func WriteNew(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	temporary, err := os.CreateTemp(dir, leftover+"*") // 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temporary.Name())) }()
	_, err = temporary.Write(data)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); err != nil { // unlike a rename, a link replaces nothing
		return err
	}
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // the name survives a power cut; Windows cannot
		d.Close()
	}
	return nil
}
