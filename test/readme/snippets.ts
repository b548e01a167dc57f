import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

/** The README and the guides that it links to. */
export const guides = [
  'README.md',
  ...readdirSync(`${repository}lib/docs`)
    .filter((file) => file.endsWith('.md'))
    .map((file) => `lib/docs/${file}`),
];

export interface Snippet {
  readonly file: string;
  readonly language: string;
  readonly line: number;
  readonly code: string;
}

/** The fenced blocks of the README and of its guides. */
export function readmeSnippets(): Snippet[] {
  return guides.flatMap(snippetsOf);
}

export function snippetsOf(file: string): Snippet[] {
  const text = readFileSync(`${repository}${file}`, 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((match) => ({
    file,
    language: match[1]!,
    line: text.slice(0, match.index).split('\n').length,
    code: match[2]!,
  }));
}

/** What snippets that do not import for themselves take as given. */
const GIVEN = `
import { Controller, Injectable, Module, Post } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Cron } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import {
  connectLockService, InjectLockService, LockExceptionFilter, LockService, RedisLockModule, RunOnce, SingleFlight, UseLock,
  WhileLeader, WithPermit, WithLock, type Lease,
} from 'nestjs-redis-lock';
declare const locks: LockService;
declare const db: { query(sql: string, values: unknown[]): Promise<{ rowCount: number }> };
declare class ConfigService { getOrThrow<T>(key: string): T }
declare class CatalogService {}
declare function rebuild(): Promise<void>;
export const given = [
  Controller, Injectable, Module, Post, APP_FILTER, Cron, Test, Redis, connectLockService, InjectLockService,
  LockExceptionFilter, RedisLockModule, RunOnce, SingleFlight, UseLock, WhileLeader, WithPermit, WithLock, locks, db, ConfigService,
  CatalogService, rebuild,
];
`;

/** A snippet as a module of its own. */
export function asModule({ code }: Snippet): string {
  return /^import /m.test(code) ? code : `${GIVEN}\n${code}\nexport {};`;
}
