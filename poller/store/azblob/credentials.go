package azblob

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// Credentials come from the first of these that the environment speaks of: a connection string, key or signature in AZURE_STORAGE_…,
// an application's secret or certificate, a workload identity, the machine's managed identity. No program is ever started for them,
// and none is tried because another failed. It may be used concurrently.
type Credentials struct {
	env  func(name string) string
	http *http.Client

	mu     sync.Mutex
	source string
	held   *container.Client
}

// NewCredentials reads nothing yet. The libraries of Azure read the environment of the process themselves: env tells only which of
// them is meant.
func NewCredentials(env func(name string) string, client *http.Client) *Credentials {
	return &Credentials{env: env, http: client}
}

// Source says where the credentials come from, in words.
func (c *Credentials) Source() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.source
}

// Forget has the next request ask for new ones.
func (c *Credentials) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = nil
}

// client returns the one for a container, the same until it is forgotten.
func (c *Credentials) client(l Location) (*container.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil {
		return c.held, nil
	}
	client, source, err := c.newClient(l)
	if c.source = source; err != nil {
		return nil, &bucket.CredentialsError{Source: source, Err: err}
	}
	c.held = client
	return client, nil
}

func (c *Credentials) newClient(l Location) (client *container.Client, source string, err error) {
	options := &container.ClientOptions{ClientOptions: c.options()}
	options.InsecureAllowCredentialWithHTTP = l.insecure()
	switch connection, key, sas := c.env("AZURE_STORAGE_CONNECTION_STRING"), c.storageKey(), c.env("AZURE_STORAGE_SAS_TOKEN"); {
	case connection != "":
		client, err = container.NewClientFromConnectionString(connection, l.Container, options)
		return client, "AZURE_STORAGE_CONNECTION_STRING", err
	case key != "":
		const source = "AZURE_STORAGE_KEY"
		shared, err := container.NewSharedKeyCredential(l.Account, key)
		if err != nil {
			return nil, source, errors.New("it is not in base64") // the library would show it
		}
		client, err = container.NewClientWithSharedKeyCredential(l.containerURL(), shared, options)
		return client, source, err
	case sas != "":
		client, err = container.NewClientWithNoCredential(l.containerURL()+"?"+strings.TrimPrefix(sas, "?"), options)
		return client, "AZURE_STORAGE_SAS_TOKEN", err
	}
	token, source, err := c.token()
	if err != nil {
		return nil, source, err
	}
	client, err = container.NewClient(l.containerURL(), named{token, source}, options)
	return client, source, err
}

func (c *Credentials) storageKey() string {
	for _, name := range []string{"AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY"} {
		if key := c.env(name); key != "" {
			return key
		}
	}
	return ""
}

// token chooses among the identities of Microsoft Entra.
func (c *Credentials) token() (token azcore.TokenCredential, source string, err error) {
	switch {
	case c.env("AZURE_CLIENT_SECRET") != "", c.env("AZURE_CLIENT_CERTIFICATE_PATH") != "":
		token, err = azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: c.options()})
		return token, "the application AZURE_CLIENT_ID", err
	case c.env("AZURE_FEDERATED_TOKEN_FILE") != "":
		token, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: c.options()})
		return token, "the workload identity in AZURE_FEDERATED_TOKEN_FILE", err
	}
	options := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: c.options()}
	if id := c.env("AZURE_CLIENT_ID"); id != "" {
		options.ID = azidentity.ClientID(id)
	}
	token, err = azidentity.NewManagedIdentityCredential(options)
	return token, "the managed identity", err
}

func (c *Credentials) options() azcore.ClientOptions {
	return azcore.ClientOptions{
		Transport: c.http,
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{ApplicationID: "kitops"},
	}
}

// named says in its errors whose credentials were asked for.
type named struct {
	azcore.TokenCredential
	source string
}

func (n named) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := n.TokenCredential.GetToken(ctx, options)
	if err != nil && ctx.Err() == nil {
		err = &bucket.CredentialsError{Source: n.source, Err: err}
	}
	return token, err
}
