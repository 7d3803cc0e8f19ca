// Mercurius with its JIT and a loader: a page of land use areas, each with its district, both read from the upstream.
// Told by the environment: PORT, UPSTREAM (an address), CACHE (1 turns mercurius-cache on).

import fastify from 'fastify'
import mercurius from 'mercurius'
import cache from 'mercurius-cache'
import { Pool } from 'undici'

const { PORT, UPSTREAM, CACHE } = process.env
const pool = new Pool(UPSTREAM) // keeps its connections alive; the fastest client there is for Node

async function read (path) {
  const { statusCode, body } = await pool.request({ path, method: 'GET' })
  if (statusCode !== 200) {
    throw new Error(`${path} was answered with ${statusCode}`)
  }
  return body.json()
}

const schema = `
  type Query {
    landUseAreas(first: Int): LandUseAreaConnection
  }
  type LandUseAreaConnection {
    nodes: [LandUseArea!]!
  }
  type LandUseArea {
    key: String!
    symbol: String!
    use: String
    plan: String
    district: District
  }
  type District {
    key: String!
    name: String!
  }
`

// The upstream's files hold exactly the page that is asked for: `first` has nothing left to do.
const resolvers = { Query: { landUseAreas: () => read('/areas.json') } }

const loaders = {
  LandUseArea: {
    async district (queries) {
      const keys = new Set(queries.map(({ obj }) => obj.districtKey))
      const asked = Array.from(keys, (key) => `key=${encodeURIComponent(key)}`).join('&')
      const districts = new Map((await read(`/districts.json?${asked}`)).map((one) => [one.key, one]))
      return queries.map(({ obj }) => districts.get(obj.districtKey))
    }
  }
}

const app = fastify()
app.register(mercurius, { schema, resolvers, loaders, jit: 1 })
if (CACHE === '1') {
  app.register(cache, {
    ttl: 3600, // seconds
    policy: {
      Query: { landUseAreas: true },
      // A key of our own: without it the whole record is written as JSON to look its district up.
      LandUseArea: { district: { key: ({ self }) => self.districtKey } }
    }
  })
}
await app.listen({ host: '127.0.0.1', port: Number(PORT) })
