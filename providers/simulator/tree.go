package simulator

import "encoding/json"

// jsonTree reads a JSON body of any depth.
func jsonTree(r *request) (tree any, readable bool) {
	if r.contentType != "application/json" {
		return nil, false
	}
	return tree, json.Unmarshal(r.body, &tree) == nil
}

// judgeTree compares the JSON body of a token request with the one that the
// provider file writes down: what stands there must be there, and what else
// there is is ignored. It returns what is asked for, and what is wrong, or
// nothing. A wrong credential is found before anything else.
func (s *Simulator) judgeTree(sent any, client *specialClient) (asked grants, wrong string) {
	j := treeJudge{simulator: s, client: client}
	for name, want := range s.provider.Auth.Body {
		object, isObject := sent.(map[string]any)
		if !isObject {
			return grants{}, "invalid_request"
		}
		got, present := object[name]
		if name == "grant_type" {
			if text, isText := got.(string); isText && text != want {
				j.wrong("unsupported_grant_type")
			}
		}
		j.compare(want, got, present)
	}
	return j.asked, j.found
}

type treeJudge struct {
	simulator *Simulator
	client    *specialClient
	asked     grants
	found     string
}

// wrong keeps the mistake that a provider would see first.
func (j *treeJudge) wrong(situation string) {
	rank := []string{"", "invalid_request", "unsupported_grant_type", "invalid_client"}
	for _, s := range rank {
		if s == situation {
			return // the one that was found is worse
		}
		if s == j.found {
			break
		}
	}
	j.found = situation
}

func (j *treeJudge) compare(want, got any, present bool) {
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for name, inner := range want {
			value, has := object[name]
			j.compare(inner, value, has)
		}
	case []any:
		list, _ := got.([]any)
		for i, inner := range want {
			if i < len(list) {
				j.compare(inner, list[i], true)
			} else {
				j.compare(inner, nil, false)
			}
		}
	case string:
		j.compareText(want, got)
	default:
		if !present || !sameJSON(want, got) {
			j.wrong("invalid_request")
		}
	}
}

func (j *treeJudge) compareText(want string, got any) {
	sent, isText := got.(string)
	if want == "{scope}" {
		j.asked.scope = sent // none is a scope like another: the default
		return
	}
	special, known := j.simulator.matches(want, sent)
	switch {
	case isText && known:
		*j.client = max(*j.client, special)
	case holdsField(want):
		j.wrong("invalid_client")
	default:
		j.wrong("invalid_request")
	}
}

// sameJSON compares values that YAML and JSON read: 1 is 1 to both.
func sameJSON(want, got any) bool {
	a, errA := json.Marshal(want)
	b, errB := json.Marshal(got)
	return errA == nil && errB == nil && string(a) == string(b)
}
