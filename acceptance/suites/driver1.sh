# The Go driver 1.17: its module carries its integration tests and their spec files.
# Builds unified.test and integration.test from the copy in src.
set -eu
cd "$1"
dir=$(go mod download -json go.mongodb.org/mongo-driver@v1.17.10 | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cp -r "$dir" src
chmod -R u+w src
rm -rf src/go.work* src/vendor
cd src
go test -c -o ../unified.test ./mongo/integration/unified
go test -c -o ../integration.test ./mongo/integration
