import 'reflect-metadata';
import { systemFromEnvironment } from './evolution/system-switch.js';
import { queryMsFromEnvironment } from './live/query-switch.js';
import { serve } from '../shop/bootstrap.js';

await serve(async () => {
  // Before anything is started, as the settings of the shop itself.
  systemFromEnvironment();
  queryMsFromEnvironment();
  return (await import('./lab.module.js')).LabModule;
});
