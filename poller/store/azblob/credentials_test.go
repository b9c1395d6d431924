package azblob_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/store/azblob"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

const tenant = "11111111-1111-1111-1111-111111111111"

// entra stands for Microsoft Entra and the metadata service of Azure's machines: a new token each time.
type entra struct {
	mu    sync.Mutex
	given int
}

func (e *entra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	token := func() { e.given++ }
	switch {
	case strings.HasSuffix(r.URL.Path, "/discovery/instance"):
		fmt.Fprintf(w, `{"tenant_discovery_endpoint":"https://login.microsoftonline.com/%s/v2.0/.well-known/openid-configuration","metadata":[]}`, tenant)
		return
	case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
		fmt.Fprintf(w, `{"token_endpoint":"https://login.microsoftonline.com/%[1]s/oauth2/v2.0/token","authorization_endpoint":"https://login.microsoftonline.com/%[1]s/oauth2/v2.0/authorize","issuer":"https://login.microsoftonline.com/%[1]s/v2.0"}`, tenant)
		return
	case r.URL.Path == "/"+tenant+"/oauth2/v2.0/token" && (strings.Contains(string(body), "client_secret=app-secret") || strings.Contains(string(body), "client_assertion=pod-token")),
		r.URL.Path == "/metadata/identity/oauth2/token" && r.Header.Get("Metadata") == "true" && strings.Contains(r.URL.RawQuery, "resource=https"):
		token()
	default:
		http.Error(w, `{"error":"invalid_client","error_description":"who are you"}`, http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(w, `{"token_type":"Bearer","access_token":"T%d","expires_in":"3600","expires_on":"4102444800"}`, e.given)
}

// toStandIn leads requests for the real hosts to the stand-in.
func toStandIn(t *testing.T, e *entra) *http.Client {
	t.Helper()
	tlsServer, plain := httptest.NewTLSServer(e), httptest.NewServer(e)
	t.Cleanup(tlsServer.Close)
	t.Cleanup(plain.Close)
	client := bucket.Client()
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // it plays other hosts
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		switch address {
		case "login.microsoftonline.com:443", "login.microsoft.com:443":
			address = tlsServer.Listener.Addr().String()
		case "169.254.169.254:80":
			address = plain.Listener.Addr().String()
		}
		return dial(ctx, network, address)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// TestCredentials come from an application, a workload identity, the machine, and are asked for anew when the server says no.
func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	pod := filepath.Join(dir, "token")
	if err := os.WriteFile(pod, []byte("pod-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, vars := range map[string]env{
		"application":       {"AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "app-secret"},
		"workload identity": {"AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": "app", "AZURE_FEDERATED_TOKEN_FILE": pod, "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/"},
		"managed identity":  {},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range vars { // the libraries read them, too
				t.Setenv(variable, value)
			}
			e := &entra{}
			want := 2
			if name == "managed identity" {
				want = 1 // its tokens are kept by the library for the whole process
			}
			s := guarded(t, toStandIn(t, e), vars, want)
			if _, err := s.Put(t.Context(), "a", []byte("n: 1"), ""); err != nil {
				t.Fatal(err)
			}
			if e.given != want && want > 1 {
				t.Errorf("%d tokens were asked for, want %d", e.given, want)
			}
		})
	}
}

// guarded is a store on a server that takes one token only, by its number.
func guarded(t *testing.T, client *http.Client, vars env, taken int) *bucket.Store {
	t.Helper()
	b := &objects.Bucket{}
	server := b.Azure(t)
	server.Disturb(func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		if r.Header.Get("Authorization") == fmt.Sprintf("Bearer T%d", taken) {
			serve(w, r)
		} else {
			objects.Answer(http.StatusUnauthorized, "InvalidAuthenticationInfo")(w, r, serve)
		}
	})
	location, err := azblob.Parse("azblob://account/container/team?endpoint=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return bucket.New(azblob.New(location, azblob.NewCredentials(vars.get, client)), bucket.Options{Folder: "team/tasks", Writer: "kitops/test"})
}

func TestCredentialsThatCannotBeHad(t *testing.T) {
	t.Setenv("AZURE_TENANT_ID", tenant)
	t.Setenv("AZURE_CLIENT_ID", "app")
	t.Setenv("AZURE_CLIENT_SECRET", "guessed")
	_, err := guarded(t, toStandIn(t, &entra{}), env{"AZURE_CLIENT_SECRET": "guessed"}, 1).Get(t.Context(), "a")
	if err == nil || !strings.Contains(err.Error(), "credentials of the application AZURE_CLIENT_ID") || strings.Contains(err.Error(), "guessed") {
		t.Errorf("error %v", err)
	}
	_, err = guarded(t, bucket.Client(), env{"AZURE_STORAGE_KEY": "not base64!"}, 1).Get(t.Context(), "a")
	if err == nil || !strings.Contains(err.Error(), "credentials of AZURE_STORAGE_KEY: it is not in base64") {
		t.Errorf("error %v", err)
	}
}
