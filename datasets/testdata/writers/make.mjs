// Makes the Parquet files of this folder, with rows of our own invention.
//
//   npm install @duckdb/node-api@1.5.6-r.1 parquet-wasm@0.8.0 apache-arrow@21.2.0 hyparquet-writer@0.17.0
//   node make.mjs
import { writeFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import * as arrow from 'apache-arrow'
import { parquetWriteFile } from 'hyparquet-writer'
import * as wasm from 'parquet-wasm/node'

// DuckDB: every codec, a chat as a list of structs, outcomes as a map and as a
// struct, and every type of the mapping.
const db = await (await DuckDBInstance.create(':memory:')).connect()
await db.run(`SET TimeZone = 'UTC'`)
const chat = `
  SELECT 'c' || i AS id,
    [{'role': 'system', 'content': 'Be brief.'},
     {'role': 'user', 'content': 'How many legs have ' || i || ' spiders? ' || repeat('Think. ', 3)}] AS messages,
    (8 * i)::VARCHAR AS reference,
    CASE WHEN i % 3 = 0 THEN NULL ELSE 'counting' END AS category,
    MAP {'large': {'score': 1.0::DOUBLE, 'completion_tokens': i}, 'small': {'score': (i % 2)::DOUBLE, 'completion_tokens': NULL}} AS outcomes,
    i AS number
  FROM range(1, 201) t(i)`
for (const codec of ['snappy', 'gzip', 'zstd', 'lz4_raw', 'brotli']) {
  await db.run(`COPY (${chat}) TO 'duckdb_chat_${codec}.parquet' (FORMAT parquet, CODEC '${codec}', ROW_GROUP_SIZE 64)`)
}
await db.run(`COPY (
  SELECT 7 AS id, 'What is 1 + 1?' AS prompt,
    {'large': {'quality': 0.75::DECIMAL(3,2), 'answer': 'two', 'latency_s': 0.25::DOUBLE}, 'small': NULL} AS outcomes,
    true AS t_bool, (-5)::TINYINT AS t_tinyint, 65535::USMALLINT AS t_usmallint,
    18446744073709551615::UBIGINT AS t_ubigint, (-9007199254740993)::BIGINT AS t_bigint,
    0.1::FLOAT AS t_float, 0.1::DOUBLE AS t_double, 'nan'::DOUBLE AS t_nan, '-inf'::DOUBLE AS t_inf,
    (-0.05)::DECIMAL(4,2) AS t_decimal4, 1234567890123.4567::DECIMAL(18,4) AS t_decimal18,
    (-12345678901234567890123456.789)::DECIMAL(38,3) AS t_decimal38,
    DATE '1969-12-31' AS t_date, TIME '23:59:59.000001' AS t_time,
    TIMESTAMP '1969-12-31 23:59:59.5' AS t_timestamp, TIMESTAMPTZ '2026-01-31 12:00:00+02' AS t_timestamptz,
    TIMESTAMP_NS '2026-01-31 12:00:00.000000001' AS t_timestamp_ns, TIMESTAMP_MS '2026-01-31 12:00:00.001' AS t_timestamp_ms,
    UUID '123e4567-e89b-12d3-a456-426614174000' AS t_uuid, '\\x00\\xFF'::BLOB AS t_blob,
    'b'::ENUM ('a', 'b') AS t_enum, '{"a" : [1, 2.50]}'::JSON AS t_json,
    [[1, NULL], [], NULL] AS t_lists, []::INTEGER[] AS t_empty, NULL::INTEGER[] AS t_null_list,
    MAP {'x': [1], 'y': NULL} AS t_map, MAP {1: 'one', 2: 'two'} AS t_int_map,
    {'a': 1, 'b': {'c': NULL, 'd': [{'e': 'f'}]}} AS t_struct, 'é"\\' || chr(10) AS t_text
) TO 'duckdb_types.parquet' (FORMAT parquet)`)

// arrow-rs (parquet-wasm): large_utf8, a dictionary, lists of structs.
const message = new arrow.Struct([new arrow.Field('content', new arrow.LargeUtf8(), true), new arrow.Field('role', new arrow.LargeUtf8(), false)])
const column = (values, type) => arrow.vectorFromArray(values, type)
const table = new arrow.Table({
  prompt_id: column(['r1', 'r2'], new arrow.LargeUtf8()),
  messages: column([
    [{ role: 'user', content: 'Name a prime.' }, { role: 'assistant', content: '7' }, { role: 'user', content: 'Another.' }],
    [{ role: 'user', content: 'Name an even prime.' }],
  ], new arrow.List(new arrow.Field('item', message, true))),
  category: column(['numbers', 'numbers'], new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
  weights: column([[0.5, 0.25], null], new arrow.List(new arrow.Field('item', new arrow.Float32(), true))),
  seen: column([new Date(Date.UTC(2026, 0, 31, 12)), null], new arrow.TimestampMillisecond()),
})
const properties = new wasm.WriterPropertiesBuilder().setCompression(wasm.Compression.ZSTD).build()
writeFileSync('arrow_rs.parquet', wasm.writeParquet(wasm.Table.fromIPCStream(arrow.tableToIPC(table, 'stream')), properties))

// hyparquet-writer: a third hand, flat.
await parquetWriteFile({
  filename: 'hyparquet.parquet',
  columnData: [
    { name: 'id', data: ['h1', 'h2', 'h3'], type: 'STRING' },
    { name: 'prompt', data: ['Who?', 'Where?', 'When?'], type: 'STRING' },
    { name: 'reference', data: ['me', null, 'now'], type: 'STRING' },
    { name: 'meta', data: [{ a: 1 }, [2], null], type: 'JSON' },
    { name: 'score', data: [0.5, 1, 0], type: 'DOUBLE' },
  ],
})
