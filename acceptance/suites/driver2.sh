# The Go driver 2: its module carries its integration tests, but not the spec files,
# which its repository takes from another. PyMongo's source distribution has them, in
# folders of its own naming. Builds unified.test and integration.test from the copy in src.
set -eu
cd "$1"
dir=$(go mod download -json go.mongodb.org/mongo-driver/v2@v2.9.3 | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cp -r "$dir" src
chmod -R u+w src
rm -rf src/go.work*

python3 -m venv venv
NO_EXT=1 venv/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary pymongo pymongo==4.20.0
tar xzf pymongo-4.20.0.tar.gz
while read -r to from; do
  mkdir -p "src/testdata/specifications/source/$to"
  cp "pymongo-4.20.0/test/$from"/*.json "src/testdata/specifications/source/$to/"
done <<FOLDERS
causal-consistency/tests causal_consistency
change-streams/tests/unified change_streams/unified
client-backpressure/tests client-backpressure
client-side-encryption/tests/unified client-side-encryption/spec/unified
client-side-operations-timeout/tests csot
collection-management/tests collection_management
command-logging-and-monitoring/tests/logging command_logging
command-logging-and-monitoring/tests/monitoring command_monitoring
connection-monitoring-and-pooling/tests/logging connection_logging
crud/tests/unified crud/unified
gridfs/tests gridfs
index-management/tests index_management
load-balancers/tests load_balancer
mongodb-handshake/tests/unified handshake/unified
read-write-concern/tests/operation read_write_concern/operation
retryable-reads/tests/unified retryable_reads/unified
retryable-writes/tests/unified retryable_writes/unified
run-command/tests/unified run_command/unified
server-discovery-and-monitoring/tests/unified discovery_and_monitoring/unified
server-selection/tests/logging server_selection_logging
sessions/tests sessions
transactions-convenient-api/tests/unified transactions-convenient-api/unified
transactions/tests/unified transactions/unified
unified-test-format/tests/valid-fail unified-test-format/valid-fail
unified-test-format/tests/valid-pass unified-test-format/valid-pass
versioned-api/tests versioned-api
FOLDERS

cd src
go test -c -o ../unified.test ./internal/integration/unified
go test -c -o ../integration.test ./internal/integration
