import { afterEach } from 'vitest'
import { stopApps } from './app.ts'
import { stopLateServers } from './late-server.ts'

// Files share the modules that they import, so what is to happen after their tests is said here, once for each file.
afterEach(stopApps)
afterEach(stopLateServers)
