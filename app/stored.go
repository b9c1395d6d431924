package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/files"
)

// The files of an App in its folder.
const (
	storedFile   = "app.yaml" // written last: where it is, all is there
	storedKey    = "app.pem"
	storedSecret = "webhook.secret"
)

// Stored is an App that was registered by kitops setup. Its secrets are in files of their own.
type Stored struct {
	AppID             int64  `yaml:"app_id"`
	ClientID          string `yaml:"client_id"`
	Name              string `yaml:"name"`
	Owner             string `yaml:"owner,omitempty"`
	URL               string `yaml:"url"`     // the App's public page
	APIURL            string `yaml:"api_url"` // where it is registered
	PrivateKeyFile    string `yaml:"private_key_file"`
	WebhookSecretFile string `yaml:"webhook_secret_file,omitempty"`
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
	for _, file := range []*string{&s.PrivateKeyFile, &s.WebhookSecretFile} {
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
	for _, name := range []string{storedFile, storedKey, storedSecret} {
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

// Store keeps the App in a folder that is Storable. It overwrites nothing, and leaves nothing of an App that it could
// not store whole.
func (r Registration) Store(dir string) (s Stored, err error) {
	s = Stored{
		AppID: r.ID, ClientID: r.ClientID, Name: r.Name, Owner: r.Owner.Login, URL: r.HTMLURL, APIURL: r.APIURL, PrivateKeyFile: storedKey,
	}
	contents := [][2]string{{storedKey, r.PEM.Reveal()}}
	if r.WebhookSecret.Given() {
		s.WebhookSecretFile = storedSecret
		contents = append(contents, [2]string{storedSecret, r.WebhookSecret.Reveal() + "\n"})
	}
	description, err := yaml.Marshal(s)
	if err != nil {
		return s, fmt.Errorf("describe the App: %w", err)
	}
	contents = append(contents, [2]string{storedFile, "# Written by kitops setup. A run without --github-app-id uses this App.\n" + string(description)})
	var written []string
	for _, file := range contents {
		path := filepath.Join(dir, file[0])
		if err := WriteNew(path, []byte(file[1])); err != nil {
			for _, path := range written {
				_ = os.Remove(path)
			}
			return s, fmt.Errorf("store the App: %w", err)
		}
		written = append(written, path)
	}
	return s.in(dir), nil
}

// WriteNew makes a file for its owner only: whole and on disk, or not at all. The error is fs.ErrExist when there is
// one of that name.
func WriteNew(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	temporary, err := os.CreateTemp(dir, ".kitops-*") // 0600
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
