package site

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/authspec/authspec/internal/check"
	"github.com/authspec/authspec/internal/web"
)

// An indexPage lists the providers.
type indexPage struct {
	web.Page
	Providers []*providerPage
	Version   string
	Now       time.Time
	By        map[check.Verdict]int // providers by verdict
	Given     bool
}

func newIndexPage(pages []*providerPage, opts *Options) *indexPage {
	index := &indexPage{Providers: pages, Version: opts.Version, Now: opts.Now, By: map[check.Verdict]int{}, Given: len(opts.Runs)+len(opts.Nights) > 0}
	index.Page = web.Page{
		Title: "Providers · authspec", Description: "How to authenticate to each provider, and what every error means.",
		Markdown: "index.md", Script: opts.Script,
	}
	for _, p := range pages {
		if p.Status != nil {
			index.By[p.Status.Verdict]++
		}
	}
	return index
}

// Verdicts are those that a filter can choose, what needs doing first.
func (index *indexPage) Verdicts() []check.Verdict {
	var list []check.Verdict
	for _, v := range check.Verdicts() {
		if index.By[v] > 0 {
			list = append(list, v)
		}
	}
	return list
}

// json is the index for machines. It lists the files too: by that list the
// next build knows which of them it may remove.
func (index *indexPage) json(files map[string][]byte) ([]byte, error) {
	type jsonError struct {
		Call      string   `json:"call"`
		Situation string   `json:"situation"`
		Also      []string `json:"also,omitempty"`
		Status    int      `json:"status"`
		Code      string   `json:"code,omitempty"`
		Means     string   `json:"means"`
		Fault     string   `json:"fault"`
		Retry     string   `json:"retry"`
		Do        string   `json:"do"`
		Evidence  Evidence `json:"evidence"`
	}
	type jsonStatus struct {
		Verdict check.Verdict         `json:"verdict"`
		Mode    check.Mode            `json:"mode"`
		At      time.Time             `json:"at"`
		By      string                `json:"by"` // run, or check: of credentials
		Counts  map[check.Verdict]int `json:"counts"`
	}
	type jsonProvider struct {
		ID          string            `json:"id"`
		Name        string            `json:"name"`
		Page        string            `json:"page"`
		Markdown    string            `json:"markdown"`
		Docs        string            `json:"docs"`
		Scheme      string            `json:"scheme"`
		SchemeName  string            `json:"scheme_name"`
		BaseURL     string            `json:"base_url"`
		Token       string            `json:"token,omitempty"`
		Credentials map[string]string `json:"credentials"`
		Status      *jsonStatus       `json:"status,omitempty"`
		Errors      []jsonError       `json:"errors"`
		Unknown     []string          `json:"undocumented"`
		Contract    map[string]string `json:"contract"`
	}
	out := struct {
		Generator string         `json:"generator"`
		Version   int            `json:"version"`
		Made      time.Time      `json:"made"`
		Providers []jsonProvider `json:"providers"`
		Files     []string       `json:"files"`
	}{Generator: generator + " " + index.Version, Version: 1, Made: index.Now.UTC().Truncate(time.Second), Providers: []jsonProvider{}}
	for _, p := range index.Providers {
		entry := jsonProvider{
			ID: p.ID, Name: p.Name, Page: p.File(), Markdown: p.Twin(), Docs: p.Docs, Scheme: p.Auth.Scheme, SchemeName: p.Scheme,
			BaseURL: p.BaseURL, Token: string(p.Auth.Token), Credentials: p.Credentials, Errors: []jsonError{}, Unknown: append([]string{}, p.Missing...), Contract: p.contract(),
		}
		if s := p.Status; s != nil {
			by := "run"
			if s.Night {
				by = "check"
			}
			entry.Status = &jsonStatus{s.Verdict, s.Mode, s.At.UTC().Truncate(time.Second), by, s.By}
		}
		for _, e := range p.Errors {
			entry.Errors = append(entry.Errors, jsonError{e.Call, e.Situation, e.Also, e.Status, e.Code, e.Means, e.Fault, e.Retry, e.Do, e.Evidence()})
		}
		out.Providers = append(out.Providers, entry)
	}
	out.Files = append(slices.Sorted(maps.Keys(files)), "index.json")
	slices.Sort(out.Files)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	err := e.Encode(out)
	return b.Bytes(), err
}

// generator begins the name of whoever made a site.
const generator = "authspec"
