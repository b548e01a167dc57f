import { Global, Inject, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';
import { DATABASE, openDatabase } from './database.js';
import type { OpenDatabase } from './database.js';

const OPEN_DATABASE = Symbol('OPEN_DATABASE');

@Global()
@Module({
  providers: [
    {
      provide: OPEN_DATABASE,
      inject: [SHOP_CONFIG],
      useFactory: ({ databaseUrl, databasePool, replica, databaseWaitMs }: ShopConfig) =>
        openDatabase(databaseUrl, databasePool, replica, databaseWaitMs),
    },
    { provide: DATABASE, inject: [OPEN_DATABASE], useFactory: (open: OpenDatabase) => open.database },
  ],
  exports: [DATABASE],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(OPEN_DATABASE) private readonly open: OpenDatabase) {}

  /** After the last request was answered. */
  async onApplicationShutdown(): Promise<void> {
    await this.open.close();
  }
}
