import type { ConnectionMethod, Platform } from '../connections/event.ts'
import { FAILURES, type Failure } from './failures.ts'

/** What the accounts of a platform look like. A platform that is not in the table has no demo data. */
export interface PlatformHabits {
  readonly platform: Platform
  /** How many of a hundred accounts are on it. */
  readonly weight: number
  readonly method: Exclude<ConnectionMethod, 'invitation'>
  /** A username, where `*` stands for the name of the brand or person in small letters. */
  readonly username: string
  /** Drawn from with equal chance, so that a type named twice is twice as common. */
  readonly accountTypes: readonly ('personal' | 'business' | 'organization')[]
  readonly permissions: readonly string[]
  /** How long a token lasts; null where it never expires. */
  readonly tokenHours: number | null
  /** The share of attempts that fails on a good day. */
  readonly failureRate: number
  readonly failures: readonly Failure[]
}

export const PLATFORM_HABITS: readonly PlatformHabits[] = [
  {
    platform: 'instagram',
    weight: 19,
    method: 'oauth',
    username: '*',
    accountTypes: ['business'],
    permissions: [
      'instagram_basic',
      'instagram_content_publish',
      'instagram_manage_insights',
      'pages_show_list',
    ],
    tokenHours: 60 * 24,
    failureRate: 0.2,
    failures: FAILURES.instagram,
  },
  {
    platform: 'facebook',
    weight: 16,
    method: 'oauth',
    username: '*',
    accountTypes: ['business', 'business', 'organization'],
    permissions: ['pages_show_list', 'pages_read_engagement', 'pages_manage_posts', 'business_management'],
    tokenHours: 60 * 24,
    failureRate: 0.16,
    failures: FAILURES.facebook,
  },
  {
    platform: 'linkedin',
    weight: 13,
    method: 'oauth',
    username: '*',
    accountTypes: ['personal', 'organization'],
    permissions: ['r_liteprofile', 'w_member_social', 'r_organization_social', 'w_organization_social'],
    tokenHours: 60 * 24,
    failureRate: 0.14,
    failures: FAILURES.linkedin,
  },
  {
    platform: 'tiktok',
    weight: 12,
    method: 'oauth',
    username: '*',
    accountTypes: ['personal', 'business', 'business'],
    permissions: ['user.info.basic', 'user.info.profile', 'video.publish', 'video.upload', 'video.list'],
    tokenHours: 24,
    failureRate: 0.18,
    failures: FAILURES.tiktok,
  },
  {
    platform: 'youtube',
    weight: 11,
    method: 'oauth',
    username: '@*',
    accountTypes: ['personal', 'business'],
    permissions: [
      'https://www.googleapis.com/auth/youtube.readonly',
      'https://www.googleapis.com/auth/youtube.upload',
      'https://www.googleapis.com/auth/youtube.force-ssl',
    ],
    tokenHours: 1,
    failureRate: 0.15,
    failures: FAILURES.youtube,
  },
  {
    platform: 'twitter',
    weight: 10,
    method: 'oauth',
    username: '*',
    accountTypes: ['personal', 'business'],
    permissions: ['tweet.read', 'users.read', 'tweet.write', 'media.write', 'offline.access'],
    tokenHours: 2,
    failureRate: 0.19,
    failures: FAILURES.twitter,
  },
  {
    platform: 'threads',
    weight: 5,
    method: 'oauth',
    username: '*',
    accountTypes: ['personal', 'business'],
    permissions: ['threads_basic', 'threads_content_publish', 'threads_manage_insights'],
    tokenHours: 60 * 24,
    failureRate: 0.13,
    failures: FAILURES.threads,
  },
  {
    platform: 'googlebusiness',
    weight: 4,
    method: 'oauth',
    username: '*',
    accountTypes: ['business'],
    permissions: ['https://www.googleapis.com/auth/business.manage'],
    tokenHours: 1,
    failureRate: 0.14,
    failures: FAILURES.googlebusiness,
  },
  {
    platform: 'pinterest',
    weight: 3.5,
    method: 'oauth',
    username: '*',
    accountTypes: ['business'],
    permissions: ['boards:read', 'boards:write', 'pins:read', 'pins:write', 'user_accounts:read'],
    tokenHours: 30 * 24,
    failureRate: 0.1,
    failures: FAILURES.plainOAuth,
  },
  {
    platform: 'bluesky',
    weight: 2.5,
    method: 'credentials',
    username: '*.bsky.social',
    accountTypes: ['personal'],
    permissions: ['com.atproto.appPassPrivileged'],
    tokenHours: 2,
    failureRate: 0.22,
    failures: FAILURES.bluesky,
  },
  {
    platform: 'reddit',
    weight: 2,
    method: 'oauth',
    username: '*',
    accountTypes: ['personal'],
    permissions: ['identity', 'submit', 'read', 'mysubreddits', 'flair'],
    tokenHours: 24,
    failureRate: 0.13,
    failures: FAILURES.plainOAuth,
  },
  {
    platform: 'telegram',
    weight: 1.2,
    method: 'credentials',
    username: '*_channel',
    accountTypes: ['organization'],
    permissions: ['can_post_messages', 'can_edit_messages', 'can_delete_messages'],
    tokenHours: null,
    failureRate: 0.17,
    failures: FAILURES.telegram,
  },
  {
    platform: 'snapchat',
    weight: 0.8,
    method: 'oauth',
    username: '*',
    accountTypes: ['business'],
    permissions: ['snapchat-marketing-api', 'snapchat-profile-api'],
    tokenHours: 1,
    failureRate: 0.15,
    failures: FAILURES.plainOAuth,
  },
]
