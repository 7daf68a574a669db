package simulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/authspec/authspec/fixtures"
	"github.com/authspec/authspec/providers"
	"github.com/authspec/authspec/providers/simulator"
)

// A simulated provider in a test of your own client.
func Example() {
	catalogue, err := providers.Load(providers.Files)
	if err != nil {
		panic(err)
	}
	antsomi, err := catalogue.Lookup("antsomi")
	if err != nil {
		panic(err)
	}

	sim, err := simulator.New(antsomi, fixtures.Files)
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(sim)
	defer server.Close()

	creds := sim.Credentials()
	for _, scope := range []string{"item", "nonsense"} {
		resp, err := http.PostForm(server.URL+"/oauth/token", url.Values{
			"grant_type": {"client_credentials"}, "scope": {scope},
			"client_id": {creds["client_id"]}, "client_secret": {creds["client_secret"]},
		})
		if err != nil {
			panic(err)
		}
		resp.Body.Close()
		fmt.Println(scope, resp.StatusCode)
	}
	// Output:
	// item 200
	// nonsense 400
}
