package plan

import "github.com/pandodb/pando/internal/mongoerr"

// ErrNoSearchIndexes is what a server without a search engine beside it says of search
// indexes.
var ErrNoSearchIndexes = mongoerr.New(mongoerr.SearchNotEnabled,
	"Using Atlas Search Database Commands and the $listSearchIndexes aggregation stage requires additional configuration. Please connect to Atlas or an AtlasCLI local deployment to enable. "+
		"For more information on how to connect, see https://dochub.mongodb.org/core/atlas-cli-deploy-local-reqs.")

var errNoSearch = mongoerr.New(mongoerr.SearchNotEnabled,
	"Using $search and $vectorSearch aggregation stages requires additional configuration. Please connect to Atlas or an AtlasCLI local deployment to enable."+
		"For more information on how to connect, see https://dochub.mongodb.org/core/atlas-cli-deploy-local-reqs.")

// noSearch is what a stage that asks a search engine says, wherever it stands.
func noSearch(name string) error {
	switch name {
	case "$listSearchIndexes":
		return ErrNoSearchIndexes
	case "$search", "$searchMeta", "$vectorSearch":
		return errNoSearch
	}
	return nil
}
