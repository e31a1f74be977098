# Reads and writes with Debian's Ruby driver, which is older than transactions: it greets
# as drivers did, keeps implicit sessions, and knows no retries.
require 'uri'

# Ruby 3 took URI.decode away, and driver 2.5 still calls it.
URI.define_singleton_method(:decode) { |text| URI.decode_www_form_component(text) } unless URI.respond_to?(:decode)

require 'mongo'

def expect(what, got, want)
  puts "#{what}: #{got}"
  raise "#{what}: expected #{want}" unless got == want
end

def failure
  yield
rescue Mongo::Error => e
  e
else
  raise 'no error'
end

Mongo::Logger.logger.level = Logger::WARN
client = Mongo::Client.new(ENV.fetch('MONGODB_URI'), database: 'crud_ruby', write: { w: 'majority' })
client.database.drop
items = client[:items]

items.insert_one(_id: 1, qty: 10)
items.insert_many((2..500).map { |i| { _id: i, qty: i } })
expect('documents', items.count, 500)
read = items.find({}, batch_size: 30).sort(_id: 1).map { |doc| doc[:_id] }
expect('read in batches, in order', read == (1..500).to_a, true)

items.update_one({ _id: 1 }, '$inc' => { qty: 5 })
expect('updated', items.find(_id: 1).first[:qty], 15)
expect('modified', items.update_many({ _id: { '$gt' => 490 } }, '$set' => { status: 'late' }).modified_count, 10)
expect('found and changed', items.find(_id: 2).find_one_and_update({ '$inc' => { qty: 1 } }, return_document: :after)[:qty], 3)
expect('deleted', items.delete_many(status: 'late').deleted_count, 10)

duplicate = failure { items.insert_one(_id: 1) }
expect('duplicate key', duplicate.message[/E11000/], 'E11000')

bulk = items.bulk_write([
  { insert_one: { _id: 1000 } },
  { update_one: { filter: { _id: 3 }, update: { '$set' => { qty: 0 } } } },
  { delete_one: { filter: { _id: 4 } } }
])
expect('bulk', [bulk.inserted_count, bulk.modified_count, bulk.deleted_count], [1, 1, 1])

total = items.aggregate([{ '$group' => { _id: nil, total: { '$sum' => '$qty' } } }]).first[:total]
expect('total', total, (1..490).sum - 1 + 15 + 1 - 3 - 4)

items.indexes.create_one({ qty: 1 }, unique: false)
expect('indexes', items.indexes.map { |index| index[:name] }.sort, %w[_id_ qty_1])
expect('distinct', items.distinct('qty', _id: { '$lt' => 4 }).sort, [0, 3, 15])

# An explicit session, and the writes that it has seen.
session = client.start_session(causal_consistency: true)
items.insert_one({ _id: 2000 }, session: session)
expect('in the session', items.find({ _id: 2000 }, session: session).count, 1)
session.end_session
client.close
