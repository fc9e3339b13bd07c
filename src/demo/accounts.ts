import type { ConnectionContext, ConnectionMethod } from '../connections/event.ts'
import { DAY_MS, SECOND_MS } from '../kernel/clock.ts'
import { PLATFORM_HABITS, type PlatformHabits } from './platforms.ts'
import type { Random } from './random.ts'

/** The tenant that the demo key belongs to. */
export const DEMO_USER_ID = '66b2f4d19c3e5a7f10d84b2e'

/** Of all accounts; the other users share the rest. */
const DEMO_USER_SHARE = 2 / 3
const OTHER_USERS = 12

// Each pair of words makes a brand or a person; STRIDE shares no factor with the 24 × 25 pairs and spreads them.
const BRANDS =
  'Juniper Harbor Cedar Lumen Kestrel Saffron Willow Copper Meadow Atlas Marlow Fjord ' +
  'Clover Ember Indigo Maple Orchid Pebble Quill Sable Tundra Velvet Wren Zephyr'
const TRADES =
  'Coffee Studio Bakery Cycles Yoga Labs Travel Books Ceramics Outdoors Kitchen Dental Records ' +
  'Realty Skincare Brewing Gardens Legal Optics Pilates Roasters Swimwear Tattoo Vintage Watches'
const FIRST_NAMES =
  'Maya Tomás Ingrid Priya Kwame Lucía Noah Aiko Elif Marco Hannah Omar ' +
  'Sofia Pavel Zuri Daniel Chloé Ravi Freya Mateus Amara Jonas Leila Viktor'
const LAST_NAMES =
  'Lindqvist Herrera Okafor Novak Tanaka Moreau Singh Costa Yilmaz Bauer Reyes Kowalska Haddad ' +
  'Byrne Silva Fischer Adeyemi Jansen Rossi Park Nguyen Duarte Petrov Larsen Mbeki'
const STRIDE = 67

/** An account of a user on a platform, or (without a user) somebody who never got as far as having one. */
export interface DemoAccount {
  readonly userId: string | null
  readonly profileId: string
  readonly accountId: string
  readonly habits: PlatformHabits
  readonly accountType: string
  readonly displayName: string
  readonly username: string
  readonly profilePicture: string | undefined
  readonly connectionMethod: ConnectionMethod
  readonly context: ConnectionContext
}

/** A profile of Late's: a brand with at most one account on each platform. */
interface Profile {
  readonly id: string
  readonly number: number
}

interface Tenant {
  readonly userId: string
  readonly weight: number
  readonly profiles: Profile[]
  /** How many of the profiles, in order, have an account on a platform already. */
  readonly taken: Map<PlatformHabits, number>
}

/** Returns a function that invents one more account, on a given platform or on any. */
export function createAccounts(random: Random, nowMs: number): (on?: PlatformHabits) => DemoAccount {
  let profiles = 0
  const tenants = createTenants(random, nowMs)

  const nextProfile = (tenant: Tenant, habits: PlatformHabits): Profile => {
    const index = tenant.taken.get(habits) ?? 0
    tenant.taken.set(habits, index + 1)
    const known = tenant.profiles[index]
    if (known) return known
    const profile = { id: objectId(random, nowMs - random.whole(8, 400) * DAY_MS), number: profiles }
    profiles += 1
    tenant.profiles.push(profile)
    return profile
  }

  return (on) => {
    const habits = on ?? random.weighted(PLATFORM_HABITS)
    const tenant = random.weighted(tenants)
    const profile = nextProfile(tenant, habits)
    const accountType = random.pick(habits.accountTypes)
    const displayName = accountType === 'personal' ? personName(profile.number) : brandName(profile.number)
    const slug = slugOf(displayName)
    return {
      userId: tenant.userId,
      profileId: profile.id,
      accountId: objectId(random, nowMs - random.whole(0, 200) * DAY_MS),
      habits,
      accountType,
      displayName,
      username: habits.username.replace('*', slug),
      profilePicture: random.chance(0.9)
        ? `https://cdn.example.com/avatars/${habits.platform}/${slug}.jpg`
        : undefined,
      connectionMethod: random.chance(0.08) ? 'invitation' : habits.method,
      context: {
        hasCustomRedirectUrl: random.chance(0.15),
        ...(random.chance(0.1) ? { isHeadlessMode: true } : {}),
        ...(random.chance(0.04) ? { isBYOK: true } : {}),
      },
    }
  }
}

/** The demo user, and others whose shares fall as 1/2, 1/3, 1/4 … of the first one's. */
function createTenants(random: Random, nowMs: number): Tenant[] {
  const shares = Array.from({ length: OTHER_USERS }, (_, rank) => 1 / (rank + 1))
  const sum = shares.reduce((sum, share) => sum + share, 0)
  const newTenant = (userId: string, weight: number) => ({ userId, weight, profiles: [], taken: new Map() })
  const others = shares.map((share) => {
    const userId = objectId(random, nowMs - random.whole(30, 700) * DAY_MS)
    return newTenant(userId, ((1 - DEMO_USER_SHARE) * share) / sum)
  })
  return [newTenant(DEMO_USER_ID, DEMO_USER_SHARE), ...others]
}

/** 24 hex digits, the first eight of them the second in which the thing was made. */
function objectId(random: Random, atMs: number): string {
  const second = Math.floor(atMs / SECOND_MS)
  return `${second.toString(16).padStart(8, '0')}${random.hex(16)}`
}

const brandName = (number: number) => pairOf(BRANDS.split(' '), TRADES.split(' '), number)
const personName = (number: number) => pairOf(FIRST_NAMES.split(' '), LAST_NAMES.split(' '), number)

/** A name in small letters without accents or spaces. */
const slugOf = (name: string) =>
  name
    .toLowerCase()
    .normalize('NFD')
    .replace(/[^a-z]/g, '')

function pairOf(firsts: readonly string[], seconds: readonly string[], number: number): string {
  const at = (number * STRIDE) % (firsts.length * seconds.length)
  return `${firsts[at % firsts.length]} ${seconds[Math.floor(at / firsts.length)]}`
}
